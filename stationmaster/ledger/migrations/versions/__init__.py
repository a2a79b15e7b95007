"""Revisions, named `g<generation>_<number>`.

A revision that only adds (a table, a nullable column, an index) keeps the generation: a program
of before it goes on writing while an upgrade rolls. One that older programs cannot live with
starts the next generation, and they refuse it with a sentence.
"""
