"""The image networks: built, trained with or without a defense, and read out."""
