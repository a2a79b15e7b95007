"""An object store in trouble is told from a mistake of the step's own."""

from __future__ import annotations

import pytest

from stationmaster.step.datasets.storage import storage_errors
from stationmaster.step.errors import TemporaryError


def test_an_object_store_that_fails_for_now_is_tried_again() -> None:
    """Exit code 75, with the object store's own words and where to look."""
    words = "When uploading part for key 'a': AWS Error INTERNAL_FAILURE during UploadPart"

    with pytest.raises(TemporaryError) as caught, storage_errors("dataset web_orders"):
        raise OSError(words)

    assert caught.value.exit_code == 75
    assert "dataset web_orders: expected the object store to take it, got When" in str(caught.value)
    assert "look at the object store's health" in caught.value.hint


def test_another_error_of_the_file_system_stays_what_it_is() -> None:
    """A missing file is not passing trouble."""
    with pytest.raises(FileNotFoundError), storage_errors("dataset web_orders"):
        raise FileNotFoundError(2, "No such file", "a.parquet")
