package dev.altair.gradle;

import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.regex.Pattern;

/**
 * Runs Dokka, in a process of its own that has Dokka's classes; takes the file that says what it shall do.
 *
 * <p>Dokka's command line would do the same, but isn't on Maven Central.
 */
public final class Dokka {
    /** What these promise is written where they are declared, in Kotlin's own library, and Dokka doesn't read that. */
    private static final Pattern DOCUMENTED_ELSEWHERE =
        Pattern.compile("Undocumented: .*/(toString|equals|hashCode|compareTo)/#.*");

    private Dokka() {
    }

    public static void main(String[] args) throws Exception {
        List<String> wrong = new ArrayList<>();
        BiConsumer<String, String> log = (level, message) -> {
            boolean matters = level.equals("warn") || level.equals("error");
            if (matters && !DOCUMENTED_ELSEWHERE.matcher(message).matches()) wrong.add(message);
        };
        Class<?> bootstrap = Class.forName("org.jetbrains.dokka.DokkaBootstrapImpl");
        Object dokka = bootstrap.getConstructor().newInstance();
        try {
            bootstrap.getMethod("configure", String.class, BiConsumer.class).invoke(dokka, Files.readString(Path.of(args[0])), log);
            bootstrap.getMethod("generate").invoke(dokka);
        } catch (InvocationTargetException failure) {
            wrong.add(failure.getCause().toString());
        }
        if (wrong.isEmpty()) return;
        wrong.forEach(System.err::println);
        System.err.println("The API documentation is not whole: " + wrong.size() + " times.");
        System.exit(1);
    }
}
