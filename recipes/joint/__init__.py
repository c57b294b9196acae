"""EmoDB and CREMA-D together: four emotions, in the recipe of the model that is shipped."""
