"""CREMA-D's actors: who is a woman, and in which fold each one is."""

FOLDS = 5

_WOMEN = """
    1002 1003 1004 1006 1007 1008 1009 1010 1012 1013 1018 1020 1021 1024 1025 1028 1029 1030
    1037 1043 1046 1047 1049 1052 1053 1054 1055 1056 1058 1060 1061 1063 1072 1073 1074 1075
    1076 1078 1079 1082 1084 1089 1091
"""

SEXES = {
    actor: "female" if actor in _WOMEN.split() else "male"
    for actor in map(str, range(1001, 1091 + 1))
}

# Dealt out in turn by number, first the women: 18 or 19 actors in each fold, 8 or 9 of them women.
# The same whichever clips there are.
FOLD_OF = {
    actor: str(turn % FOLDS + 1)
    for turn, actor in enumerate(sorted(SEXES, key=lambda actor: (SEXES[actor], actor)))
}
