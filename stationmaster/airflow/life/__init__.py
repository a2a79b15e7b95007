"""The life of a step on Kubernetes: knows pods, attempts and verdicts, and nothing of Airflow.

Pods are the API's JSON as plain dicts (camelCase) everywhere below this package.
"""
