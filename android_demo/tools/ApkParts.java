import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * Prints what an APK is made of, and fails if it is too large or a model in it is compressed.
 *
 * <p>{@code java ApkParts.java APK LIMIT LIMIT_FOR_ARM64_ALONE}, in bytes; 0 is no limit. Size of arm64 alone: without the
 * other processors' libraries.
 */
final class ApkParts {
    private static final String ARM64 = "lib/arm64-v8a";

    public static void main(String[] arguments) throws IOException {
        Path apk = Path.of(arguments[0]);
        Map<String, Long> parts = new TreeMap<>();
        List<String> problems = new ArrayList<>();
        try (ZipFile zip = new ZipFile(apk.toFile())) {
            for (ZipEntry entry : (Iterable<ZipEntry>) zip.stream().map(ZipEntry.class::cast)::iterator) {
                parts.merge(part(entry.getName()), entry.getCompressedSize(), Long::sum);
                if (entry.getName().endsWith(".tflite") && entry.getMethod() != ZipEntry.STORED) {
                    problems.add(entry.getName() + " is compressed; the app reads it where it lies");
                }
            }
        }
        long whole = Files.size(apk);
        long arm64 = whole;
        long sum = 0;
        for (Map.Entry<String, Long> part : parts.entrySet()) {
            System.out.printf("%,12d  %s%n", part.getValue(), part.getKey());
            sum += part.getValue();
            if (part.getKey().startsWith("lib/") && !part.getKey().equals(ARM64)) arm64 -= part.getValue();
        }
        System.out.printf("%,12d  signature, directory, alignment%n", whole - sum);
        System.out.printf("%,12d  bytes in all; %,d with arm64 alone%n", whole, arm64);
        check(problems, "the APK", whole, Long.parseLong(arguments[1]));
        check(problems, "the APK with arm64 alone", arm64, Long.parseLong(arguments[2]));
        problems.forEach(problem -> System.err.println("error: " + problem));
        System.exit(problems.isEmpty() ? 0 : 1);
    }

    private static String part(String name) {
        if (name.startsWith("lib/")) return name.substring(0, name.lastIndexOf('/'));
        if (name.endsWith(".tflite") || name.endsWith(".dex")) return name;
        return name.startsWith("assets/") ? "assets" : "resources";
    }

    private static void check(List<String> problems, String what, long bytes, long limit) {
        if (limit > 0 && bytes > limit) {
            problems.add(String.format("%s has %,d bytes, %,d at most", what, bytes, limit));
        }
    }
}
