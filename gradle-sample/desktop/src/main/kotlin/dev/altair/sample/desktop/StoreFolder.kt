package dev.altair.sample.desktop

import java.nio.file.Path

/** The store to open: the first argument, else `ALTAIR_HOME`, else the folder that the command line uses on this system. */
fun storeFolder(arguments: List<String>, environment: Map<String, String>, system: String, home: String): Path {
    val named = arguments.firstOrNull() ?: environment["ALTAIR_HOME"]?.ifEmpty { null }
    return (named?.let { Path.of(it) } ?: usualFolder(environment, system, Path.of(home))).toAbsolutePath()
}

private fun usualFolder(environment: Map<String, String>, system: String, home: Path): Path = when {
    system.startsWith("Mac") -> home.resolve("Library/Application Support/Altair")
    system.startsWith("Windows") -> (environment["APPDATA"]?.let { Path.of(it) } ?: home.resolve("AppData/Roaming")).resolve("Altair/data")
    else -> (
        environment["XDG_DATA_HOME"]?.takeIf {
            it.startsWith("/")
        }?.let { Path.of(it) } ?: home.resolve(".local/share")
        ).resolve("altair")
}
