"""The compact tables of a grid's results: all that its report is made from."""
