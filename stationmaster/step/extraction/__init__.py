"""What extract jobs share: delivered records of a promised shape in, one business day out."""
