package dev.altair.model

import kotlinx.serialization.json.JsonElement

/** How far a long piece of work is. */
public data class Progress(
    /** How many files are done. */
    public val done: Long,
    /** How many there are. */
    public val total: Long,
)

/** A file that was left out, and why. */
public data class Skipped(
    /** Its path in the vault. */
    public val path: String,
    /** Why. */
    public val reason: String,
)

/** What an import did. [notes] and [attachments] count what was created or changed. */
public data class Imported(
    /** Notes created or changed. */
    public val notes: Long,
    /** Attachments created or changed. */
    public val attachments: Long,
    /** Links in the vault's notes. */
    public val links: Long,
    /** Files that are as they were. */
    public val unchanged: Long,
    /** What was left out, and why. */
    public val skipped: List<Skipped>,
)

/** What an export did. [notes] and [attachments] count the files that were written. */
public data class Exported(
    /** Notes written. */
    public val notes: Long,
    /** Other files written. */
    public val attachments: Long,
    /** Files that are as they should be. */
    public val unchanged: Long,
    /** What was left out, and why. */
    public val skipped: List<Skipped>,
)

/** What a backup holds. */
public data class BackedUp(
    /** How many entities. */
    public val entities: Long,
    /** The file's size. */
    public val bytes: Long,
    /** BLAKE3 over all its lines but the last. */
    public val checksum: String,
)

/** The store at a glance. */
public data class Status(
    /** The engine's version. */
    public val version: String,
    /** The store's folder. */
    public val store: String,
    /** This device. */
    public val device: DeviceId,
    /** How many there are of each kind, outside the trash. */
    public val counts: Map<Kind, Long>,
    /** How many are in the trash. */
    public val trashed: Long,
    /** How many conflicts wait for somebody to resolve them. */
    public val conflicts: Long,
    /** Sizes on disk. */
    public val sizes: Sizes,
    /** `ok`, or what is wrong. */
    public val health: String,
    /** How syncing stands. */
    public val sync: SyncStatus,
    /** Which process hosts the store. */
    public val host: HostStatus,
)

/** Sizes on disk, in bytes. */
public data class Sizes(
    /** The database. */
    public val store: Long,
    /** The search index. */
    public val search: Long,
    /** Attachments. */
    public val blobs: Long,
)

/** How syncing stands. */
public data class SyncStatus(
    /** `off` until the device has joined a household. */
    public val state: String,
    /** The server's address. */
    public val server: String?,
    /** Changes made here that no server has acknowledged. */
    public val pending: Long,
    /** Changes that wait for others. */
    public val held: Long,
    /** Changes that the server refused. */
    public val faults: List<JsonElement>,
)

/** Which process hosts the store. */
public data class HostStatus(
    /** Its process id. */
    public val pid: Long,
    /** How many hosts there have been. */
    public val epoch: Long,
    /** `host` where the store is hosted here, `guest` where it was joined. */
    public val role: String,
)

/** What a check of the whole store found. */
public data class Diagnosis(
    /** `ok` when nothing is wrong or everything was repaired, else `damaged`. */
    public val health: String,
    /** How many entities were read and checked. */
    public val entities: Long,
    /** How many changes. */
    public val changes: Long,
    /** How many attachments' bytes. */
    public val blobs: Long,
    /** What was wrong. */
    public val problems: List<Problem>,
)

/** One thing that was wrong. */
public data class Problem(
    /** Where: an entity's id, a file, the search index. */
    public val at: String,
    /** What is wrong. */
    public val problem: String,
    /** Whether it has been repaired. */
    public val repaired: Boolean,
)
