package dev.altair.core

import dev.altair.model.ChangeId
import dev.altair.model.Conflict
import dev.altair.model.Cursor
import dev.altair.model.Entity
import dev.altair.model.EntityId
import dev.altair.model.Page
import dev.altair.model.Undone
import dev.altair.model.Version
import kotlinx.coroutines.flow.Flow
import kotlinx.serialization.json.JsonElement

/** What was when, and the way back. */
public class History internal constructor(private val engine: Engine) {
    /** An entity's versions, newest first: who changed what, when, from what to what. */
    public suspend fun of(id: EntityId, limit: Int = PAGE, after: Cursor? = null): Page<Version> =
        engine.history(id, limit, after)

    /** Brings an entity back to how it was in a version. That is a change like any other, and can be undone. */
    public suspend fun revert(id: EntityId, version: ChangeId): Entity = engine.revert(id, version)

    /** Undoes the last thing done on this device, and says which fields that set back: none where there is nothing to undo. */
    public suspend fun undo(): List<Undone> = engine.undo()

    /** Does again what was undone last, and says which fields that set: none where there is nothing to redo. */
    public suspend fun redo(): List<Undone> = engine.redo()
}

/** What was set to different things at once, on different devices. Nothing is lost: one value holds, the others wait here. */
public class Conflicts internal constructor(private val engine: Engine) {
    /** All of them. */
    public suspend fun list(): List<Conflict> = engine.conflicts()

    /** All of them, now and after every change. */
    public fun watch(): Flow<List<Conflict>> = observe(engine, emptySet()) { list() }

    /** Settles a conflict for one of its values, by the name of its head. */
    public suspend fun resolve(conflict: Conflict, head: Conflict.Head): Conflict =
        engine.resolve(conflict.id, head.name)

    /** Settles a conflict for another value. */
    public suspend fun resolve(conflict: Conflict, value: JsonElement): Conflict = engine.resolve(conflict.id, value)
}
