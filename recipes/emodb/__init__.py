"""EmoDB: ten actors, ten German sentences, seven emotions."""
