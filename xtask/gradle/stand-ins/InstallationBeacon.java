package org.gradle.internal.installation.beacon;

/** Marker: Gradle finds its home directory by the jar that holds this class. */
public class InstallationBeacon {
}
