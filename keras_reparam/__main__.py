"""`python -m keras_reparam` is the command `keras-reparam`."""

import sys

from keras_reparam.cli import main

sys.exit(main())
