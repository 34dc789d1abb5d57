package dev.altair.core

import dev.altair.model.AltairException
import dev.altair.model.AttachmentFile
import dev.altair.model.AttachmentRef
import dev.altair.model.BackedUp
import dev.altair.model.Capture
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
import kotlinx.coroutines.flow.Flow
import kotlinx.serialization.json.JsonElement

/** The native engine as the façade calls it; each platform brings its bridge. Nothing is decided here. */
internal interface Engine {
    val isClosed: Boolean

    suspend fun capture(text: String, source: Source): Entity

    suspend fun create(kind: Kind, parts: Parts): Entity

    suspend fun triage(capture: EntityId, into: Kind, title: String?): Entity

    suspend fun edit(id: EntityId, kind: Kind, parts: Parts): Entity

    suspend fun count(id: EntityId, delta: Quantity): Entity

    suspend fun tag(id: EntityId, add: List<String>, remove: List<String>): Entity

    suspend fun get(id: EntityId): Entity

    suspend fun find(text: String): EntityId

    suspend fun show(id: EntityId): Details

    suspend fun list(list: Listed, limit: Int, after: Cursor?): Page<Entity>

    suspend fun search(query: String, kind: Kind?, tag: String?, limit: Int, after: Cursor?): Page<Hit>

    suspend fun link(from: EntityId, to: EntityId, relation: String?): Entity

    suspend fun unlink(from: EntityId, to: EntityId): Entity

    suspend fun delete(id: EntityId): Entity

    suspend fun restore(id: EntityId): Entity

    suspend fun erase(id: EntityId): Entity

    suspend fun purge(olderThanDays: Int): List<EntityId>

    suspend fun history(id: EntityId, limit: Int, after: Cursor?): Page<Version>

    suspend fun revert(id: EntityId, version: ChangeId): Entity

    suspend fun undo(): List<Undone>

    suspend fun redo(): List<Undone>

    suspend fun conflicts(): List<Conflict>

    suspend fun resolve(conflict: String, head: String): Conflict

    suspend fun resolve(conflict: String, value: JsonElement): Conflict

    suspend fun attach(owner: EntityId, file: String): AttachmentRef

    suspend fun detach(owner: EntityId, attachment: EntityId): AttachmentRef

    suspend fun attachment(id: EntityId): AttachmentFile

    suspend fun importVault(directory: String, progress: suspend (Progress) -> Unit): Imported

    suspend fun exportVault(directory: String, force: Boolean, progress: suspend (Progress) -> Unit): Exported

    suspend fun backup(file: String): BackedUp

    suspend fun fillFromBackup(file: String): BackedUp

    suspend fun status(): Status

    suspend fun doctor(): Diagnosis

    fun watch(kind: Kind?): Flow<Watched>

    suspend fun close()
}

/** What is done without a store. */
internal expect object Native {
    val version: String

    suspend fun open(directory: String, options: OpenOptions): Engine

    suspend fun restoreBackup(file: String, directory: String): BackedUp

    suspend fun checkBackup(file: String): BackedUp

    suspend fun log(level: LogLevel, listener: LogListener?)
}

/** A list that can be read page by page. */
internal sealed interface Listed {
    data object Inbox : Listed

    data class OfKind(val kind: Kind, val tag: String?) : Listed

    data object Trash : Listed
}

/** The parts of an entity that are set. A part that isn't in [given] is left alone; one that is there with null is cleared. */
internal class Parts {
    val given: MutableMap<Part, Any?> = mutableMapOf()

    operator fun set(part: Part, value: Any?) {
        given[part] = value
    }

    /** Sets a part that was given; one that wasn't stays as it is by default. */
    fun unlessNull(part: Part, value: Any?) {
        if (value != null) given[part] = value
    }
}

internal enum class Part { Title, Body, Append, Base, Status, Energy, Due, Parent, Quantity, Unit, Location }

internal fun wrongKind(entity: Entity, wanted: Kind): Nothing = throw AltairException.Invalid(
    "${entity.id} is a ${entity.kind.name.lowercase()}, not a ${wanted.name.lowercase()}",
    "ask for it as what it is, or get it from entities, which takes any kind",
)
