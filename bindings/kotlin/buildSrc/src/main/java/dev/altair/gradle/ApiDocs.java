package dev.altair.gradle;

import groovy.json.JsonOutput;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.inject.Inject;
import org.gradle.api.DefaultTask;
import org.gradle.api.GradleException;
import org.gradle.api.file.ConfigurableFileCollection;
import org.gradle.api.file.DirectoryProperty;
import org.gradle.api.file.FileCollection;
import org.gradle.api.file.FileSystemOperations;
import org.gradle.api.provider.Property;
import org.gradle.api.tasks.CacheableTask;
import org.gradle.api.tasks.Classpath;
import org.gradle.api.tasks.Input;
import org.gradle.api.tasks.InputFiles;
import org.gradle.api.tasks.OutputDirectory;
import org.gradle.api.tasks.PathSensitive;
import org.gradle.api.tasks.PathSensitivity;
import org.gradle.api.tasks.TaskAction;
import org.gradle.process.ExecOperations;

/** Writes a library's API documentation by Dokka, and fails when a public symbol has none. */
@CacheableTask
public abstract class ApiDocs extends DefaultTask {
    @Input
    public abstract Property<String> getModuleName();

    @Input
    public abstract Property<String> getModuleVersion();

    /** Folders of hand-written Kotlin; those that don't exist are passed over. */
    @InputFiles
    @PathSensitive(PathSensitivity.RELATIVE)
    public abstract ConfigurableFileCollection getSources();

    /** What the sources are compiled against. */
    @Classpath
    public abstract ConfigurableFileCollection getClasspath();

    /** Dokka itself. */
    @Classpath
    public abstract ConfigurableFileCollection getDokka();

    /** Dokka's plugins: what reads Kotlin and what writes HTML. */
    @Classpath
    public abstract ConfigurableFileCollection getPlugins();

    @OutputDirectory
    public abstract DirectoryProperty getOutput();

    @Inject
    protected abstract ExecOperations getExecOperations();

    @Inject
    protected abstract FileSystemOperations getFiles();

    @TaskAction
    public void write() {
        getFiles().delete(delete -> delete.delete(getOutput()));
        Map<String, Object> library = Map.of(
            "displayName", getModuleName().get(),
            "sourceSetID", Map.of("scopeId", getModuleName().get(), "sourceSetName", "main"),
            "analysisPlatform", "jvm",
            "sourceRoots", existing(getSources()),
            "classpath", existing(getClasspath()),
            "documentedVisibilities", List.of("PUBLIC", "PROTECTED"),
            "reportUndocumented", true,
            "jdkVersion", 11);
        String configuration = JsonOutput.toJson(Map.of(
            "moduleName", getModuleName().get(),
            "moduleVersion", getModuleVersion().get(),
            "outputDir", getOutput().get().getAsFile().getPath(),
            "pluginsClasspath", existing(getPlugins()),
            "sourceSets", List.of(library),
            "offlineMode", true));
        try {
            Path told = Files.writeString(getTemporaryDir().toPath().resolve("dokka.json"), configuration);
            Path ours = Path.of(Dokka.class.getProtectionDomain().getCodeSource().getLocation().toURI());
            getExecOperations().javaexec(java -> {
                java.classpath(ours, getDokka());
                java.getMainClass().set(Dokka.class.getName());
                java.args(told.toString());
                java.setMaxHeapSize("1g");
            });
        } catch (IOException | URISyntaxException error) {
            throw new GradleException("Dokka could not be told what to do.", error);
        }
    }

    private static List<String> existing(FileCollection files) {
        return files.getFiles().stream().filter(File::exists).map(File::getPath).collect(Collectors.toList());
    }
}
