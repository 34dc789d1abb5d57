package dev.altair.core

import dev.altair.model.AltairException
import dev.altair.model.BackedUp
import dev.altair.model.Diagnosis
import dev.altair.model.Entity
import dev.altair.model.Kind
import dev.altair.model.Status
import dev.altair.model.Watched
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.catch
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.emitAll
import kotlinx.coroutines.flow.filter
import kotlinx.coroutines.flow.flow
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.onEach
import kotlinx.coroutines.withContext
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/**
 * An open store: a person's notes, quests, items and captures, kept on this machine.
 *
 * ```kotlin
 * Altair.open("/home/zoe/altair").use { altair ->
 *     altair.inbox.capture("Water the figs on Friday")
 *     altair.search.find("figs").items.forEach { println(it.title) }
 * }
 * ```
 *
 * Every function may be called from any thread and never blocks it. What has returned is on disk: neither a crash nor a power cut loses it. A
 * coroutine that is cancelled while it waits leaves nothing half done: the act is finished, or was never begun. Everything throws an
 * [AltairException][dev.altair.model.AltairException] and nothing else.
 *
 * Any number of programs, and of these in one program, have the same store open at once. One of them hosts it and the others have joined it; when the
 * host closes or dies another one takes over, and what is asked meanwhile is done once. Who hosts makes no difference but to [status], which tells.
 */
public class Altair internal constructor(internal val engine: Engine) {
    /** Thoughts as they come, until they are triaged. */
    public val inbox: Inbox = Inbox(engine)

    /** Pages of Markdown. */
    public val notes: Notes = Notes(engine)

    /** Things to do. */
    public val quests: Quests = Quests(engine)

    /** Things that there is a number of. */
    public val items: Items = Items(engine)

    /** Where things are. */
    public val locations: Locations = Locations(engine)

    /** What all kinds have in common: details, tags, links. */
    public val entities: Entities = Entities(engine)

    /** Files that belong to something. */
    public val attachments: Attachments = Attachments(engine)

    /** Finding things by their words. */
    public val search: Search = Search(engine)

    /** What was deleted. */
    public val trash: Trash = Trash(engine)

    /** What was when, and the way back. */
    public val history: History = History(engine)

    /** What was set to different things at once. */
    public val conflicts: Conflicts = Conflicts(engine)

    /** Folders of Markdown, in and out. */
    public val vault: Vault = Vault(engine)

    /** Everything in one file. */
    public val backups: Backups = Backups(engine)

    /** Whether [close] has been called. */
    public val isClosed: Boolean get() = engine.isClosed

    /**
     * Every change as it is made, by whoever uses this store; of one kind, or of all. The first is always [Watched.Current]. A collector that is too
     * slow is told so with [Watched.Lagged] and never holds a writer up. The flow goes on without a gap or a repeat when another program comes to host
     * the store, and ends when this store is closed.
     */
    public fun watch(kind: Kind? = null): Flow<Watched> = engine.watch(kind)

    /**
     * What [read] gives: now, and again whenever something of these kinds (or anything, if none is named) has changed. Changes that come while it
     * reads are taken together.
     */
    public fun <T> observe(vararg kinds: Kind, read: suspend () -> T): Flow<T> = observe(engine, kinds.toSet(), read)

    /** The store at a glance. */
    public suspend fun status(): Status = engine.status()

    /** Reads and checks the whole store, and repairs what can be made anew. */
    public suspend fun doctor(): Diagnosis = engine.doctor()

    /**
     * Finishes what is under way and closes the store. After that everything throws [Closed][dev.altair.model.AltairException.Closed]. Closing twice
     * does nothing. Others who have the store open keep it; one of them hosts it then.
     */
    public suspend fun close(): Unit = engine.close()

    /** Opening, and what is done without a store. */
    public companion object {
        /** The version of the native library, which is loaded to ask it: before the first [open] that takes a moment. */
        public val version: String get() = Native.version

        /**
         * Opens the store in [directory], making a new one where there is none. Where it is open already, in another process or in this one, it is
         * joined.
         *
         * @throws dev.altair.model.AltairException.Locked when another process has it and can't be joined within [OpenOptions.lockWait], or doesn't
         *   answer for five seconds; then every other call may throw this too.
         * @throws dev.altair.model.AltairException.Corrupt when part of it is missing or damaged; nothing is changed then.
         * @throws dev.altair.model.AltairException.Internal when the folder can't be used.
         * @throws dev.altair.model.AltairException.Unsupported when a newer version wrote it or has it open, or there is no native library for this
         *   platform.
         */
        public suspend fun open(directory: String, options: OpenOptions = OpenOptions()): Altair =
            Altair(Native.open(directory, options))

        /** Makes a new store in [directory], which must hold none, out of a backup. It becomes a new device. */
        public suspend fun restoreBackup(file: String, directory: String): BackedUp =
            Native.restoreBackup(file, directory)

        /** Reads a backup to its end and checks that it is whole. */
        public suspend fun checkBackup(file: String): BackedUp = Native.checkBackup(file)

        /**
         * Sends what the library logs to [listener], from [level] on; null stops it. There is one for the whole process. Lines are passed over, and
         * counted, when the listener is slower than they come.
         */
        public suspend fun log(level: LogLevel = LogLevel.Info, listener: LogListener?): Unit = Native.log(level, listener)
    }
}

/** Runs [block] with this store and closes it, whatever happens. */
public suspend inline fun <T> Altair.use(block: (Altair) -> T): T {
    val done = try {
        block(this)
    } catch (failed: Throwable) {
        closeAfter(failed)
        throw failed
    }
    closeUncancelled()
    return done
}

@PublishedApi
internal suspend fun Altair.closeUncancelled(): Unit = withContext(NonCancellable) { close() }

@PublishedApi
internal suspend fun Altair.closeAfter(failed: Throwable) {
    runCatching { closeUncancelled() }.onFailure(failed::addSuppressed)
}

/** How to open a store. */
public data class OpenOptions(
    /** How long to wait for another process that has the store and can't be joined: one that is just opening or closing it. */
    public val lockWait: Duration = 10.seconds,
    /** How many bytes of the database to keep in memory. */
    public val cacheBytes: Long = 32L * 1024 * 1024,
    /**
     * Opens a store that has lost commits, which is refused otherwise: to look at it with [Altair.doctor] and to take what is left. Nobody is joined
     * then: another process that has the store has to close it.
     */
    public val repair: Boolean = false,
)

/** How much a line of the log matters. */
public enum class LogLevel {
    /** Something failed. */
    Error,

    /** Something may be wrong. */
    Warn,

    /** Something happened that a person may want to know. */
    Info,

    /** What was asked, and how long it took. */
    Debug,
}

/** Takes what the library logs. */
public fun interface LogListener {
    /** A line. What is thrown here is dropped, and so is what comes while it blocks. */
    public fun log(line: LogLine)
}

/** A line of the log. It never holds the content of somebody's notes. */
public data class LogLine(
    /** How much it matters. */
    public val level: LogLevel,
    /** The room that it comes from, as `altair_core::store`. */
    public val target: String,
    /** What happened. */
    public val message: String,
)

/** A store that is closed in the middle ends the flow; one that was closed before makes it fail. */
internal fun <T> observe(engine: Engine, kinds: Set<Kind>, read: suspend () -> T): Flow<T> = flow {
    var begun = false
    val changes = engine.watch(kinds.singleOrNull())
        .filter { it !is Watched.Changed || kinds.isEmpty() || it.event.kind in kinds }
        .onEach { begun = true }
    val values = changes.conflate().map { read() }
    emitAll(values.catch { failed -> if (!begun || failed !is AltairException.Closed || !engine.isClosed) throw failed })
}

internal inline fun <reified T : Entity> Entity.of(kind: Kind): T = this as? T ?: wrongKind(this, kind)
