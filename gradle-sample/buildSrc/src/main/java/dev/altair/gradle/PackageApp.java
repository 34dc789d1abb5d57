package dev.altair.gradle;

import java.io.File;
import java.io.IOException;
import java.util.stream.Stream;
import javax.inject.Inject;
import org.gradle.api.DefaultTask;
import org.gradle.api.GradleException;
import org.gradle.api.file.ConfigurableFileCollection;
import org.gradle.api.file.DirectoryProperty;
import org.gradle.api.file.FileSystemOperations;
import org.gradle.api.file.RegularFileProperty;
import org.gradle.api.provider.Property;
import org.gradle.api.tasks.Classpath;
import org.gradle.api.tasks.Input;
import org.gradle.api.tasks.InputFile;
import org.gradle.api.tasks.OutputDirectory;
import org.gradle.api.tasks.PathSensitive;
import org.gradle.api.tasks.PathSensitivity;
import org.gradle.api.tasks.TaskAction;
import org.gradle.process.ExecOperations;
import org.gradle.work.DisableCachingByDefault;

/** Makes a folder with the app, all its jars and a Java runtime of its own, by the JDK's {@code jpackage}. */
@DisableCachingByDefault(because = "it is mostly copying")
public abstract class PackageApp extends DefaultTask {
    @Input
    public abstract Property<String> getAppName();

    @Input
    public abstract Property<String> getAppVersion();

    @Input
    public abstract Property<String> getMainClass();

    /** The jar that {@link #getMainClass()} lies in. */
    @InputFile
    @PathSensitive(PathSensitivity.NAME_ONLY)
    public abstract RegularFileProperty getMainJar();

    /** The jars beside it. */
    @Classpath
    public abstract ConfigurableFileCollection getClasspath();

    @OutputDirectory
    public abstract DirectoryProperty getOutput();

    @Inject
    protected abstract ExecOperations getExecOperations();

    @Inject
    protected abstract FileSystemOperations getFiles();

    @TaskAction
    public void make() throws IOException {
        File jars = new File(getTemporaryDir(), "jars");
        getFiles().sync(sync -> {
            sync.from(getMainJar(), getClasspath());
            sync.into(jars);
        });
        // jpackage refuses to write where something is.
        getFiles().delete(delete -> delete.delete(getOutput().getAsFileTree(), getOutput()));
        getExecOperations().exec(exec -> exec.commandLine(
            jpackage().getPath(), "--type", "app-image",
            "--name", getAppName().get(),
            "--app-version", getAppVersion().get(),
            "--input", jars.getPath(),
            "--main-jar", getMainJar().get().getAsFile().getName(),
            "--main-class", getMainClass().get(),
            "--dest", getOutput().get().getAsFile().getPath()));
    }

    /** The one of the JDK that Gradle runs on. */
    private static File jpackage() {
        File bin = new File(System.getProperty("java.home"), "bin");
        return Stream.of("jpackage", "jpackage.exe").map(name -> new File(bin, name)).filter(File::exists).findFirst()
            .orElseThrow(() -> new GradleException("There is no jpackage in " + bin + ". A whole JDK is needed."));
    }
}
