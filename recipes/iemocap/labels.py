"""IEMOCAP's labels."""

# By majority of the raters; "xxx" where there is none.
LABELS = ("ang", "dis", "exc", "fea", "fru", "hap", "neu", "oth", "sad", "sur", "xxx")
# As published work does, excitement counts as happiness.
MERGED = {"exc": "hap"}
