"""Play the four upstream systems on real orders; development only, no step imports it."""
