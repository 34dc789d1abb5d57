package dev.altair.gradle;

import groovy.json.JsonSlurper;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javax.inject.Inject;
import org.gradle.api.DefaultTask;
import org.gradle.api.file.ConfigurableFileCollection;
import org.gradle.api.file.DirectoryProperty;
import org.gradle.api.file.FileSystemOperations;
import org.gradle.api.provider.Property;
import org.gradle.api.tasks.Input;
import org.gradle.api.tasks.InputFiles;
import org.gradle.api.tasks.Internal;
import org.gradle.api.tasks.OutputDirectory;
import org.gradle.api.tasks.PathSensitive;
import org.gradle.api.tasks.PathSensitivity;
import org.gradle.api.tasks.TaskAction;
import org.gradle.process.ExecOperations;
import org.gradle.work.DisableCachingByDefault;

/**
 * Builds the command line, {@code altair} and {@code altaird}, by cargo, for tests of the app beside it.
 *
 * <p>While none of the {@link #getSources() sources} has changed, cargo isn't asked.
 */
@DisableCachingByDefault(because = "cargo keeps what it has built")
public abstract class Programs extends DefaultTask {
    /** All that the programs are made of. */
    @InputFiles
    @PathSensitive(PathSensitivity.RELATIVE)
    public abstract ConfigurableFileCollection getSources();

    /** The system that is built for, since a checkout may be shared between two. */
    @Input
    public abstract Property<String> getHost();

    /** The Cargo workspace. */
    @Internal
    public abstract DirectoryProperty getWorkspace();

    /** Where the programs come to lie, beside each other. */
    @OutputDirectory
    public abstract DirectoryProperty getOutput();

    @Inject
    protected abstract ExecOperations getExecOperations();

    @Inject
    protected abstract FileSystemOperations getFiles();

    @TaskAction
    public void build() {
        ByteArrayOutputStream said = new ByteArrayOutputStream();
        getExecOperations().exec(exec -> {
            exec.setWorkingDir(getWorkspace());
            exec.commandLine("cargo", "build", "-p", "altair-cli", "--bins", "--message-format=json-render-diagnostics");
            exec.setStandardOutput(said);
        });
        // Wherever cargo builds to: the environment or its configuration may say so.
        List<File> programs = said.toString(StandardCharsets.UTF_8).lines()
            .map(line -> ((Map<?, ?>) new JsonSlurper().parseText(line)).get("executable"))
            .filter(String.class::isInstance)
            .map(program -> new File((String) program))
            .collect(Collectors.toList());
        getFiles().sync(sync -> {
            sync.from(programs);
            sync.into(getOutput());
        });
    }
}
