"""What a speech classifier bears: `python -m recipes.robustness FILE.tflite`.

It classifies clips as they are and as phones, rooms and networks make them, and holds the results
against published pass marks. `conditions.py` lists what is done to the clips, `marks.py` what a
model must reach. Neither Keras nor TensorFlow is imported.
"""
