"""The sizes of all backbones as a table: `python -m keras_reparam.models`."""

import sys

from keras_reparam.benchmarks.sizes import main

if __name__ == "__main__":
    sys.exit(main())
