from keras_reparam._utils.printed import Printed, table_of


class Report(Printed):
    def __rich__(self):
        return table_of("Exported '[/x].tflite'", [("labels", "[/anger], :joy:"), ("FAILED", "y")])


def test_texts_are_no_markup():
    shown = str(Report())
    for text in ("Exported '[/x].tflite'", "[/anger], :joy:", "FAILED"):
        assert text in shown
