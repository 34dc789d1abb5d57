package dev.altair.gradle;

import java.util.ArrayList;
import java.util.List;
import javax.inject.Inject;
import org.gradle.api.DefaultTask;
import org.gradle.api.file.ConfigurableFileCollection;
import org.gradle.api.file.Directory;
import org.gradle.api.file.DirectoryProperty;
import org.gradle.api.provider.Property;
import org.gradle.api.provider.Provider;
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
 * Builds the engine's library and generates its Kotlin, by {@code cargo xtask bindings}.
 *
 * <p>Cargo knows best what must be built anew, but asking it takes a second or two and its lock: while none of the
 * {@link #getSources() sources} has changed, it isn't asked.
 */
@DisableCachingByDefault(because = "cargo keeps what it has built")
public abstract class NativeBindings extends DefaultTask {
    /** All that the library is made of, and all that decides how. */
    @InputFiles
    @PathSensitive(PathSensitivity.RELATIVE)
    public abstract ConfigurableFileCollection getSources();

    /** Cargo's profile: {@code dev} or {@code release}. */
    @Input
    public abstract Property<String> getProfile();

    /** The system that is built for, since a checkout may be shared between two. */
    @Input
    public abstract Property<String> getHost();

    /** The Cargo workspace. */
    @Internal
    public abstract DirectoryProperty getWorkspace();

    /** Where {@code kotlin/} and {@code native/} come to lie. */
    @OutputDirectory
    public abstract DirectoryProperty getOutput();

    /** The generated Kotlin. */
    @Internal
    public Provider<Directory> getKotlin() {
        return getOutput().dir("kotlin");
    }

    /** The library, in the folder that JNA looks for on this system. */
    @Internal
    public Provider<Directory> getNatives() {
        return getOutput().dir("native");
    }

    @Inject
    protected abstract ExecOperations getExecOperations();

    @TaskAction
    public void run() {
        String profile = getProfile().get();
        List<String> command = new ArrayList<>(List.of("cargo", "xtask", "bindings"));
        switch (profile) {
            case "dev" -> { }
            case "release" -> command.add("--release");
            default -> throw new IllegalArgumentException("altair.profile is '" + profile + "'; it can be dev or release");
        }
        command.addAll(List.of("--out", getOutput().get().getAsFile().getPath()));
        getExecOperations().exec(exec -> {
            exec.setWorkingDir(getWorkspace());
            exec.commandLine(command);
        });
    }
}
