"""IEMOCAP: five sessions of two actors each, improvised and scripted, in English."""
