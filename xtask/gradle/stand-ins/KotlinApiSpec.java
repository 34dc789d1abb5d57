package org.gradle.kotlin.runtime;

import java.util.Collections;
import java.util.Set;
import org.gradle.initialization.GradleApiSpecProvider;

/** Lets plugins see Gradle's own copy of the Kotlin standard library, which Kotlin plugins count on. */
public class KotlinApiSpec extends GradleApiSpecProvider.SpecAdapter implements GradleApiSpecProvider {
    @Override
    public GradleApiSpecProvider.Spec get() {
        return this;
    }

    @Override
    public Set<String> getExportedPackages() {
        return Collections.singleton("kotlin");
    }
}
