package kerasreparam.emotion;

import android.content.Context;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;

/** The library as Java sees it; also run, by JavaExampleTest. */
public final class JavaExample {
    private JavaExample() {}

    /** Listens until the caller stops and closes what this returns. */
    public static EmotionRecognizer listen(Context context, Executor main, EmotionListener listener)
            throws IOException, EmotionException {
        EmotionOptions options =
                new EmotionOptions.Builder().hopSeconds(0.5f).smoothing(0.5f).executor(main).build();
        EmotionRecognizer recognizer = new EmotionRecognizer(context, "ser_int8.tflite", options);
        recognizer.start(listener);
        return recognizer;
    }

    /** The emotion of a clip. */
    public static String emotion(ByteBuffer model, float[] samples, int sampleRate)
            throws EmotionException {
        try (EmotionRecognizer recognizer = new EmotionRecognizer(model)) {
            EmotionResult result = recognizer.classify(samples, sampleRate);
            switch (result.getState()) {
                case SILENCE:
                    return "silence";
                case UNSURE:
                    return "unsure";
                default:
                    return result.getLabel();
            }
        }
    }

    /** A listener needs these two methods; the third one, onLevel, it may have. */
    public static final class Printer implements EmotionListener {
        @Override
        public void onResult(EmotionResult result) {
            System.out.println(result.getLabel());
        }

        @Override
        public void onError(EmotionException error) {
            System.out.println(error.getReason() + ": " + error.getMessage());
        }
    }
}
