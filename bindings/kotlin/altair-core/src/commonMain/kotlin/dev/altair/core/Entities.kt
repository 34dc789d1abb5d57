package dev.altair.core

import dev.altair.model.AttachmentFile
import dev.altair.model.AttachmentRef
import dev.altair.model.Cursor
import dev.altair.model.Details
import dev.altair.model.Entity
import dev.altair.model.EntityId
import dev.altair.model.Kind
import dev.altair.model.Page
import kotlinx.coroutines.flow.Flow

/** What all kinds have in common. */
public class Entities internal constructor(private val engine: Engine) {
    /** One entity, of whatever kind. */
    public suspend fun get(id: EntityId): Entity = engine.get(id)

    /** The entity that an id, or at least its last four characters, names. */
    public suspend fun find(text: String): EntityId = engine.find(text)

    /** One entity with its links, backlinks, attachments and conflicts. */
    public suspend fun details(id: EntityId): Details = engine.show(id)

    /** An entity's details, now and after every change of anything. It fails with `NotFound` once the entity is erased. */
    public fun watch(id: EntityId): Flow<Details> = observe(engine, emptySet()) { engine.show(id) }

    /** A page of one kind, newest first. */
    public suspend fun list(kind: Kind, limit: Int = PAGE, after: Cursor? = null, tag: String? = null): Page<Entity> =
        engine.list(Listed.OfKind(kind, tag), limit, after)

    /** Adds tags to an entity and takes others away. */
    public suspend fun tag(
        id: EntityId,
        add: List<String> = emptyList(),
        remove: List<String> = emptyList(),
    ): Entity = engine.tag(id, add, remove)

    /** Connects two entities; [relation] says what it means. Gives the first with the connection. */
    public suspend fun link(from: EntityId, to: EntityId, relation: String? = null): Entity =
        engine.link(from, to, relation)

    /** Removes the connections made by hand from one entity to another. */
    public suspend fun unlink(from: EntityId, to: EntityId): Entity = engine.unlink(from, to)

    /** Puts an entity into the trash. */
    public suspend fun delete(id: EntityId): Entity = engine.delete(id)
}

/** Files that belong to something. */
public class Attachments internal constructor(private val engine: Engine) {
    /** Copies a file into the store and attaches it. Up to 100 MB are sure to go in. */
    public suspend fun attach(owner: EntityId, file: String): AttachmentRef = engine.attach(owner, file)

    /** Takes an attachment from its owner and puts it into the trash. */
    public suspend fun detach(owner: EntityId, attachment: EntityId): AttachmentRef = engine.detach(owner, attachment)

    /** An attachment and where its bytes are. */
    public suspend fun open(id: EntityId): AttachmentFile = engine.attachment(id)
}

/** What was deleted. It comes back with its links, until it is erased. */
public class Trash internal constructor(private val engine: Engine) {
    /** A page of the trash. */
    public suspend fun list(limit: Int = PAGE, after: Cursor? = null): Page<Entity> =
        engine.list(Listed.Trash, limit, after)

    /** All of the trash, read page by page as it is collected. */
    public fun all(): Flow<Entity> = pages { after -> list(PAGE, after) }

    /** The trash, now and after every change. */
    public fun watch(limit: Int = PAGE): Flow<Page<Entity>> = observe(engine, emptySet()) { list(limit) }

    /** Brings an entity back. */
    public suspend fun restore(id: EntityId): Entity = engine.restore(id)

    /** Removes an entity for good, with its history. It need not be in the trash. There is no way back. */
    public suspend fun erase(id: EntityId): Entity = engine.erase(id)

    /** Erases what has been in the trash for longer than so many days, and says what it was. */
    public suspend fun purge(olderThanDays: Int): List<EntityId> = engine.purge(olderThanDays)
}
