package dev.altair.core

import dev.altair.core.ffi.Listing
import dev.altair.core.ffi.ProgressListener
import dev.altair.core.ffi.Store
import dev.altair.core.ffi.WatchListener
import dev.altair.model.Attachment
import dev.altair.model.AttachmentFile
import dev.altair.model.AttachmentRef
import dev.altair.model.BackedUp
import dev.altair.model.ChangeId
import dev.altair.model.Conflict
import dev.altair.model.Cursor
import dev.altair.model.Details
import dev.altair.model.Diagnosis
import dev.altair.model.Entity
import dev.altair.model.EntityId
import dev.altair.model.Exported
import dev.altair.model.Hit
import dev.altair.model.Imported
import dev.altair.model.Kind
import dev.altair.model.Page
import dev.altair.model.Progress
import dev.altair.model.Quantity
import dev.altair.model.Source
import dev.altair.model.Status
import dev.altair.model.Undone
import dev.altair.model.Version
import dev.altair.model.Watched
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineDispatcher
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.MainCoroutineDispatcher
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import kotlinx.serialization.json.JsonElement
import java.util.concurrent.atomic.AtomicBoolean
import kotlin.coroutines.ContinuationInterceptor
import dev.altair.core.ffi.Progress as FfiProgress
import dev.altair.core.ffi.Search as FfiSearch
import dev.altair.core.ffi.Watched as FfiWatched

/** The engine over UniFFI: each call converts, asks and converts back. */
internal class NativeEngine(private val store: Store) : Engine {
    private val closed = AtomicBoolean()

    /** Whoever closes a second time waits for the first. */
    private val closing = Mutex()

    override val isClosed: Boolean get() = closed.get()

    override suspend fun capture(text: String, source: Source): Entity =
        asked { store.capture(text, source.toFfi()).toModel() }

    override suspend fun create(kind: Kind, parts: Parts): Entity =
        asked { store.create(kind.toFfi(), parts.toFfi()).toModel() }

    override suspend fun triage(capture: EntityId, into: Kind, title: String?): Entity =
        asked { store.triage(capture.value, into.toFfi(), title).toModel() }

    override suspend fun edit(id: EntityId, kind: Kind, parts: Parts): Entity =
        asked { store.edit(id.value, kind.toFfi(), parts.toFfi()).toModel() }

    override suspend fun count(id: EntityId, delta: Quantity): Entity =
        asked { store.count(id.value, delta.thousandths).toModel() }

    override suspend fun tag(id: EntityId, add: List<String>, remove: List<String>): Entity =
        asked { store.tag(id.value, add, remove).toModel() }

    override suspend fun get(id: EntityId): Entity = asked { store.get(id.value).toModel() }

    override suspend fun find(text: String): EntityId = asked { EntityId(store.find(text)) }

    override suspend fun show(id: EntityId): Details = apart { store.show(id.value).toModel() }

    override suspend fun list(list: Listed, limit: Int, after: Cursor?): Page<Entity> {
        val listing = when (list) {
            Listed.Inbox -> Listing.Inbox
            Listed.Trash -> Listing.Trash
            is Listed.OfKind -> Listing.OfKind(list.kind.toFfi(), list.tag)
        }
        return apart { store.list(listing, limit.toLong(), after?.value).toModel() }
    }

    override suspend fun search(query: String, kind: Kind?, tag: String?, limit: Int, after: Cursor?): Page<Hit> {
        val search = FfiSearch(query, kind?.toFfi(), tag, limit.toLong(), after?.value)
        return apart { store.search(search).toModel() }
    }

    override suspend fun link(from: EntityId, to: EntityId, relation: String?): Entity =
        asked { store.link(from.value, to.value, relation).toModel() }

    override suspend fun unlink(from: EntityId, to: EntityId): Entity =
        asked { store.unlink(from.value, to.value).toModel() }

    override suspend fun delete(id: EntityId): Entity = asked { store.delete(id.value).toModel() }

    override suspend fun restore(id: EntityId): Entity = asked { store.restore(id.value).toModel() }

    override suspend fun erase(id: EntityId): Entity = asked { store.erase(id.value).toModel() }

    override suspend fun purge(olderThanDays: Int): List<EntityId> =
        asked { store.purge(olderThanDays.toLong()).map(::EntityId) }

    override suspend fun history(id: EntityId, limit: Int, after: Cursor?): Page<Version> =
        apart { store.history(id.value, limit.toLong(), after?.value).toModel() }

    override suspend fun revert(id: EntityId, version: ChangeId): Entity =
        asked { store.revert(id.value, version.value).toModel() }

    override suspend fun undo(): List<Undone> = asked { store.undo().map { it.toModel() } }

    override suspend fun redo(): List<Undone> = asked { store.redo().map { it.toModel() } }

    override suspend fun conflicts(): List<Conflict> = apart { store.conflicts().map { it.toModel() } }

    override suspend fun resolve(conflict: String, head: String): Conflict =
        asked { store.resolveWithHead(conflict, head).toModel() }

    override suspend fun resolve(conflict: String, value: JsonElement): Conflict =
        asked { store.resolveWithValue(conflict, value.toString()).toModel() }

    override suspend fun attach(owner: EntityId, file: String): AttachmentRef =
        asked { store.attach(owner.value, file).toModel() }

    override suspend fun detach(owner: EntityId, attachment: EntityId): AttachmentRef =
        asked { store.detach(owner.value, attachment.value).toModel() }

    override suspend fun attachment(id: EntityId): AttachmentFile = asked {
        val file = store.attachment(id.value)
        AttachmentFile(file.entity.toModel().of<Attachment>(Kind.Attachment), file.path)
    }

    override suspend fun importVault(directory: String, progress: suspend (Progress) -> Unit): Imported =
        reporting(progress) { asked { store.importVault(directory, it).toModel() } }

    override suspend fun exportVault(
        directory: String,
        force: Boolean,
        progress: suspend (Progress) -> Unit,
    ): Exported = reporting(progress) { asked { store.exportVault(directory, force, it).toModel() } }

    override suspend fun backup(file: String): BackedUp = asked { store.backup(file).toModel() }

    override suspend fun fillFromBackup(file: String): BackedUp =
        asked { store.fillFromBackup(file).toModel() }

    override suspend fun status(): Status = asked { store.status().toModel() }

    override suspend fun doctor(): Diagnosis = asked { store.doctor().toModel() }

    override fun watch(kind: Kind?): Flow<Watched> = callbackFlow {
        val listener = object : WatchListener {
            override suspend fun onWatched(watched: FfiWatched) = told { send(watched.toModel()) }

            override suspend fun onEnd() = told { close() }
        }
        // UniFFI loses a result that comes just when its caller is cancelled, and with it the handle that ends the subscription.
        val subscription = withContext(NonCancellable) { asked { store.watch(kind?.toFfi(), listener) } }
        awaitClose { subscription.use { it.stop() } }
    }

    override suspend fun close() = closing.withLock {
        if (closed.getAndSet(true)) return@withLock
        try {
            asked { store.shutdown() }
        } finally {
            store.destroy()
        }
    }
}

/** Makes a call. */
private suspend fun <T> asked(call: suspend () -> T): T =
    if (isWokenAnywhere()) withContext(Dispatchers.IO) { translated { call() } } else translated { call() }

/** Makes a call whose answer may be large: it is read where coroutines compute, as the caller's thread may be one that draws. */
private suspend fun <T> apart(call: suspend () -> T): T =
    withContext(if (isWokenAnywhere()) Dispatchers.IO else Dispatchers.Default) { translated { call() } }

/**
 * Whether the caller goes on in whichever thread wakes it, as in [Dispatchers.Unconfined]. That would be one of the engine's, and what the caller does
 * there may block: it is woken from somewhere else.
 */
private suspend fun isWokenAnywhere(): Boolean {
    val context = currentCoroutineContext()
    return when (val interceptor = context[ContinuationInterceptor]) {
        null -> true
        // `immediate` needs no dispatch on its own thread, which wakes nobody here.
        is MainCoroutineDispatcher -> false
        is CoroutineDispatcher -> !interceptor.isDispatchNeeded(context)
        else -> false
    }
}

/** Tells a collector something. Where it has gone away meanwhile nobody minds: its subscription is about to be stopped. */
private inline fun told(tell: () -> Unit) {
    try {
        tell()
    } catch (_: CancellationException) {
        return
    }
}

/** Does long work and tells [progress] how far it is, in the caller's own context; a figure that it is too slow for is passed over. */
private suspend fun <T> reporting(progress: suspend (Progress) -> Unit, work: suspend (ProgressListener) -> T): T =
    coroutineScope {
        val figures = Channel<Progress>(Channel.CONFLATED)
        launch { for (figure in figures) progress(figure) }
        val listener = object : ProgressListener {
            override suspend fun onProgress(progress: FfiProgress) {
                figures.trySend(progress.toModel())
            }
        }
        try {
            work(listener)
        } finally {
            figures.close()
        }
    }
