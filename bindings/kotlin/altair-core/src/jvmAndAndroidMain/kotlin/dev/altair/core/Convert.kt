package dev.altair.core

import dev.altair.core.ffi.Clearable
import dev.altair.core.ffi.Content
import dev.altair.model.Attachment
import dev.altair.model.AttachmentRef
import dev.altair.model.BackedUp
import dev.altair.model.Capture
import dev.altair.model.ChangeId
import dev.altair.model.Conflict
import dev.altair.model.Cursor
import dev.altair.model.Details
import dev.altair.model.DeviceId
import dev.altair.model.Diagnosis
import dev.altair.model.Due
import dev.altair.model.Entity
import dev.altair.model.EntityId
import dev.altair.model.Event
import dev.altair.model.EventKind
import dev.altair.model.Exported
import dev.altair.model.FieldChange
import dev.altair.model.Hit
import dev.altair.model.HostStatus
import dev.altair.model.Imported
import dev.altair.model.Item
import dev.altair.model.Kind
import dev.altair.model.Link
import dev.altair.model.LinkOrigin
import dev.altair.model.Location
import dev.altair.model.Note
import dev.altair.model.Page
import dev.altair.model.Problem
import dev.altair.model.Progress
import dev.altair.model.Quantity
import dev.altair.model.Quest
import dev.altair.model.QuestStatus
import dev.altair.model.Ref
import dev.altair.model.Sizes
import dev.altair.model.Skipped
import dev.altair.model.Snippet
import dev.altair.model.Source
import dev.altair.model.Status
import dev.altair.model.SyncStatus
import dev.altair.model.Undone
import dev.altair.model.Version
import dev.altair.model.Watched
import kotlinx.datetime.Instant
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import dev.altair.core.ffi.AttachmentRef as FfiAttachmentRef
import dev.altair.core.ffi.BackedUp as FfiBackedUp
import dev.altair.core.ffi.Conflict as FfiConflict
import dev.altair.core.ffi.Details as FfiDetails
import dev.altair.core.ffi.Diagnosis as FfiDiagnosis
import dev.altair.core.ffi.Entity as FfiEntity
import dev.altair.core.ffi.EntityPage as FfiEntityPage
import dev.altair.core.ffi.Event as FfiEvent
import dev.altair.core.ffi.EventKind as FfiEventKind
import dev.altair.core.ffi.Exported as FfiExported
import dev.altair.core.ffi.Hit as FfiHit
import dev.altair.core.ffi.HitPage as FfiHitPage
import dev.altair.core.ffi.Imported as FfiImported
import dev.altair.core.ffi.Kind as FfiKind
import dev.altair.core.ffi.LinkOrigin as FfiLinkOrigin
import dev.altair.core.ffi.Parts as FfiParts
import dev.altair.core.ffi.Progress as FfiProgress
import dev.altair.core.ffi.QuestStatus as FfiQuestStatus
import dev.altair.core.ffi.Ref as FfiRef
import dev.altair.core.ffi.Skipped as FfiSkipped
import dev.altair.core.ffi.Source as FfiSource
import dev.altair.core.ffi.Status as FfiStatus
import dev.altair.core.ffi.Undone as FfiUndone
import dev.altair.core.ffi.Version as FfiVersion
import dev.altair.core.ffi.VersionPage as FfiVersionPage
import dev.altair.core.ffi.Watched as FfiWatched

internal fun Kind.toFfi(): FfiKind = when (this) {
    Kind.Capture -> FfiKind.CAPTURE
    Kind.Note -> FfiKind.NOTE
    Kind.Quest -> FfiKind.QUEST
    Kind.Item -> FfiKind.ITEM
    Kind.Location -> FfiKind.LOCATION
    Kind.Link -> FfiKind.LINK
    Kind.Attachment -> FfiKind.ATTACHMENT
}

internal fun FfiKind.toModel(): Kind = when (this) {
    FfiKind.CAPTURE -> Kind.Capture
    FfiKind.NOTE -> Kind.Note
    FfiKind.QUEST -> Kind.Quest
    FfiKind.ITEM -> Kind.Item
    FfiKind.LOCATION -> Kind.Location
    FfiKind.LINK -> Kind.Link
    FfiKind.ATTACHMENT -> Kind.Attachment
}

internal fun Source.toFfi(): FfiSource = when (this) {
    Source.Keyboard -> FfiSource.KEYBOARD
    Source.Voice -> FfiSource.VOICE
    Source.Camera -> FfiSource.CAMERA
    Source.Share -> FfiSource.SHARE
    Source.Widget -> FfiSource.WIDGET
    Source.Cli -> FfiSource.CLI
    Source.Api -> FfiSource.API
    Source.Import -> FfiSource.IMPORT
}

private fun FfiSource.toModel(): Source = when (this) {
    FfiSource.KEYBOARD -> Source.Keyboard
    FfiSource.VOICE -> Source.Voice
    FfiSource.CAMERA -> Source.Camera
    FfiSource.SHARE -> Source.Share
    FfiSource.WIDGET -> Source.Widget
    FfiSource.CLI -> Source.Cli
    FfiSource.API -> Source.Api
    FfiSource.IMPORT -> Source.Import
}

private fun QuestStatus.toFfi(): FfiQuestStatus = when (this) {
    QuestStatus.Backlog -> FfiQuestStatus.BACKLOG
    QuestStatus.Active -> FfiQuestStatus.ACTIVE
    QuestStatus.Completed -> FfiQuestStatus.COMPLETED
    QuestStatus.Abandoned -> FfiQuestStatus.ABANDONED
}

private fun FfiQuestStatus.toModel(): QuestStatus = when (this) {
    FfiQuestStatus.BACKLOG -> QuestStatus.Backlog
    FfiQuestStatus.ACTIVE -> QuestStatus.Active
    FfiQuestStatus.COMPLETED -> QuestStatus.Completed
    FfiQuestStatus.ABANDONED -> QuestStatus.Abandoned
}

internal fun Parts.toFfi(): FfiParts = FfiParts(
    title = given[Part.Title] as String?,
    body = given[Part.Body] as String?,
    append = given[Part.Append] as String?,
    base = given[Part.Base] as String?,
    status = (given[Part.Status] as QuestStatus?)?.toFfi(),
    energy = (given[Part.Energy] as Int?)?.toLong(),
    due = (given[Part.Due] as Due?)?.toString(),
    parent = (given[Part.Parent] as EntityId?)?.value,
    thousandths = (given[Part.Quantity] as Quantity?)?.thousandths,
    unit = given[Part.Unit] as String?,
    location = (given[Part.Location] as EntityId?)?.value,
    clear = given.filterValues { it == null }.keys.mapNotNull {
        when (it) {
            Part.Energy -> Clearable.ENERGY
            Part.Due -> Clearable.DUE
            Part.Parent -> Clearable.PARENT
            Part.Unit -> Clearable.UNIT
            Part.Location -> Clearable.LOCATION
            else -> null
        }
    },
)

internal fun FfiEntity.toModel(): Entity {
    val id = EntityId(id)
    val created = Instant.fromEpochMilliseconds(createdAt)
    val updated = Instant.fromEpochMilliseconds(updatedAt)
    val device = DeviceId(createdBy)
    return when (val content = content) {
        is Content.Capture -> Capture(
            id, title, tags, created, updated, device, deleted,
            content.text,
            content.source.toModel(),
            Instant.fromEpochMilliseconds(content.capturedAt),
            content.triagedInto?.let(::EntityId),
        )
        is Content.Note -> Note(
            id, title, tags, created, updated, device, deleted,
            content.body,
            content.path,
            content.aliases,
            properties(content.properties),
        )
        is Content.Quest -> Quest(
            id, title, tags, created, updated, device, deleted,
            content.body,
            content.status.toModel(),
            content.energy?.toInt(),
            content.due?.let(Due::parse),
            content.parent?.let(::EntityId),
        )
        is Content.Item -> Item(
            id, title, tags, created, updated, device, deleted,
            content.body,
            Quantity(content.thousandths),
            content.unit,
            content.location?.let(::EntityId),
        )
        is Content.Location -> Location(
            id, title, tags, created, updated, device, deleted,
            content.parent?.let(::EntityId),
        )
        is Content.Link -> Link(
            id, title, tags, created, updated, device, deleted,
            content.from?.let(::EntityId),
            content.to?.let(::EntityId),
            content.relation,
            content.anchor,
        )
        is Content.Attachment -> Attachment(
            id, title, tags, created, updated, device, deleted,
            content.mediaType,
            content.size,
            content.hash,
            content.owner?.let(::EntityId),
            content.path,
        )
    }
}

private val NoProperties = JsonObject(emptyMap())

private fun properties(json: String): JsonObject =
    if (json == "{}") NoProperties else Json.parseToJsonElement(json) as? JsonObject ?: NoProperties

private fun json(text: String): JsonElement = Json.parseToJsonElement(text)

internal fun FfiEntityPage.toModel(): Page<Entity> = Page(items.map { it.toModel() }, next?.let(::Cursor))

internal fun FfiHitPage.toModel(): Page<Hit> = Page(items.map { it.toModel() }, next?.let(::Cursor))

internal fun FfiVersionPage.toModel(): Page<Version> = Page(items.map { it.toModel() }, next?.let(::Cursor))

private fun FfiHit.toModel() = Hit(EntityId(id), kind.toModel(), title, score, snippet(snippet))

/** The engine marks matches with `«` and `»`. */
internal fun snippet(marked: String): Snippet {
    val text = StringBuilder(marked.length)
    val highlights = mutableListOf<IntRange>()
    var start: Int? = null
    for (char in marked) {
        when (char) {
            '«' -> start = text.length
            '»' -> {
                if (start != null && start < text.length) highlights += start until text.length
                start = null
            }
            else -> text.append(char)
        }
    }
    return Snippet(text.toString(), highlights)
}

private fun FfiRef.toModel() =
    Ref(id?.let(::EntityId), kind?.toModel(), title, relation, origin.toModel())

private fun FfiLinkOrigin.toModel() = when (this) {
    FfiLinkOrigin.HAND -> LinkOrigin.Hand
    FfiLinkOrigin.BODY -> LinkOrigin.Body
}

internal fun FfiAttachmentRef.toModel(): AttachmentRef = AttachmentRef(EntityId(id), name, mediaType, size, hash)

internal fun FfiDetails.toModel(): Details = Details(
    entity.toModel(),
    links.map { it.toModel() },
    backlinks.map { it.toModel() },
    attachments.map { it.toModel() },
    conflicts.map { it.toModel() },
)

internal fun FfiConflict.toModel(): Conflict = Conflict(
    id,
    EntityId(entity),
    field,
    heads.map { Conflict.Head(it.head, json(it.value), Instant.fromEpochMilliseconds(it.at), DeviceId(it.device)) },
)

private fun FfiVersion.toModel() = Version(
    ChangeId(version),
    Instant.fromEpochMilliseconds(at),
    DeviceId(device),
    changes.map { FieldChange(it.field, json(it.old), json(it.new)) },
)

internal fun FfiUndone.toModel(): Undone = Undone(EntityId(entity), field)

internal fun FfiWatched.toModel(): Watched = when (this) {
    is FfiWatched.Current -> Watched.Current(seq)
    is FfiWatched.Change -> Watched.Changed(event.toModel())
    is FfiWatched.Lagged -> Watched.Lagged(seq)
}

private fun FfiEvent.toModel() = Event(
    seq,
    Instant.fromEpochMilliseconds(at),
    DeviceId(device),
    EntityId(entity),
    kind.toModel(),
    when (event) {
        FfiEventKind.CREATED -> EventKind.Created
        FfiEventKind.CHANGED -> EventKind.Changed
        FfiEventKind.DELETED -> EventKind.Deleted
        FfiEventKind.RESTORED -> EventKind.Restored
        FfiEventKind.ERASED -> EventKind.Erased
    },
    fields,
)

internal fun FfiProgress.toModel(): Progress = Progress(done, total)

private fun List<FfiSkipped>.toModel() = map { Skipped(it.path, it.reason) }

internal fun FfiImported.toModel(): Imported = Imported(notes, attachments, links, unchanged, skipped.toModel())

internal fun FfiExported.toModel(): Exported = Exported(notes, attachments, unchanged, skipped.toModel())

internal fun FfiBackedUp.toModel(): BackedUp = BackedUp(entities, bytes, checksum)

internal fun FfiStatus.toModel(): Status = Status(
    version = version,
    store = store,
    device = DeviceId(device),
    counts = Kind.entries.mapNotNull { kind -> counts[kind.name.lowercase()]?.let { kind to it } }.toMap(),
    trashed = counts["trash"] ?: 0,
    conflicts = counts["conflicts"] ?: 0,
    sizes = Sizes(bytes.store, bytes.search, bytes.blobs),
    health = health,
    sync = SyncStatus(sync.state, sync.server, sync.pending, sync.held, sync.faults.map(::json)),
    host = HostStatus(host.pid, host.epoch, host.role),
)

internal fun FfiDiagnosis.toModel(): Diagnosis =
    Diagnosis(health, entities, changes, blobs, problems.map { Problem(it.at, it.problem, it.repaired) })
