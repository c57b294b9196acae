"""M3ED: dialogs of two speakers from 56 television series, in Mandarin."""
