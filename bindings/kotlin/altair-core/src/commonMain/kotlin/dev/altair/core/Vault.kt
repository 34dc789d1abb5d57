package dev.altair.core

import dev.altair.model.BackedUp
import dev.altair.model.Exported
import dev.altair.model.Imported
import dev.altair.model.Progress

/** Folders of Markdown, as Obsidian keeps them. */
public class Vault internal constructor(private val engine: Engine) {
    /**
     * Brings a folder in. Done again, it brings in what was changed outside since, merged with what was changed here. What can't be read is left out
     * and reported. [progress] is told how far it is; it may be slow, and then misses some. Cancelling stops waiting: the import goes on to its end.
     */
    public suspend fun import(directory: String, progress: suspend (Progress) -> Unit = {}): Imported =
        engine.importVault(directory, progress)

    /** Writes a folder out, never over a file that was changed outside since the last import or export, unless [force] says so. */
    public suspend fun export(
        directory: String,
        force: Boolean = false,
        progress: suspend (Progress) -> Unit = {},
    ): Exported = engine.exportVault(directory, force, progress)
}

/** Everything in one file of NDJSON. */
public class Backups internal constructor(private val engine: Engine) {
    /** Writes a backup, which replaces the file only once it is whole. */
    public suspend fun write(file: String): BackedUp = engine.backup(file)

    /** Fills this store, which must be empty, from a backup. */
    public suspend fun fill(file: String): BackedUp = engine.fillFromBackup(file)
}
