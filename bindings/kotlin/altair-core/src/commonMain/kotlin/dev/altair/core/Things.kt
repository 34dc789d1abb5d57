package dev.altair.core

import dev.altair.model.Cursor
import dev.altair.model.Due
import dev.altair.model.Entity
import dev.altair.model.EntityId
import dev.altair.model.Item
import dev.altair.model.Kind
import dev.altair.model.Location
import dev.altair.model.Note
import dev.altair.model.Page
import dev.altair.model.Quantity
import dev.altair.model.Quest
import dev.altair.model.QuestStatus
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.flow

/** How many things a page has when nobody says. */
public const val PAGE: Int = 50

/** The things of one kind. Lists are newest first. */
public abstract class Things<T : Entity> internal constructor(
    internal val engine: Engine,
    /** Which kind. */
    public val kind: Kind,
) {
    internal abstract fun of(entity: Entity): T

    /**
     * One of them.
     *
     * @throws dev.altair.model.AltairException.NotFound when there is nothing with this id.
     * @throws dev.altair.model.AltairException.Invalid when it is of another kind.
     */
    public suspend fun get(id: EntityId): T = of(engine.get(id))

    /** A page of them, or of those with a tag: [limit] at most, 1 to 1000. */
    public suspend fun list(limit: Int = PAGE, after: Cursor? = null, tag: String? = null): Page<T> {
        val page = engine.list(Listed.OfKind(kind, tag), limit, after)
        return Page(page.items.map(::of), page.next)
    }

    /** All of them, or all with a tag, read page by page as they are collected. */
    public fun all(tag: String? = null): Flow<T> = pages { after -> list(PAGE, after, tag) }

    /** The newest of them, now and after every change. */
    public fun watch(limit: Int = PAGE, tag: String? = null): Flow<Page<T>> =
        observe(engine, setOf(kind)) { list(limit, null, tag) }
}

internal fun <T> pages(read: suspend (Cursor?) -> Page<T>): Flow<T> = flow {
    var after: Cursor? = null
    do {
        val page = read(after)
        page.items.forEach { emit(it) }
        after = page.next
    } while (after != null)
}

/** Pages of Markdown. */
public class Notes internal constructor(engine: Engine) : Things<Note>(engine, Kind.Note) {
    override fun of(entity: Entity): Note = entity.of(kind)

    /** A new note. Both parts may be empty. */
    public suspend fun create(title: String = "", body: String = ""): Note {
        val parts = Parts()
        parts[Part.Title] = title
        parts[Part.Body] = body
        return of(engine.create(kind, parts))
    }

    /**
     * Changes what is set in [change], together: `notes.edit(id) { title = "Figs"; append("- [ ] prune") }`. A body that was changed on another device
     * meanwhile is merged character by character; where others write on this store too, say which body yours was made of.
     */
    public suspend fun edit(id: EntityId, change: NoteEdit.() -> Unit): Note =
        of(engine.edit(id, kind, NoteEdit().apply(change).parts))
}

/** Things to do. */
public class Quests internal constructor(engine: Engine) : Things<Quest>(engine, Kind.Quest) {
    override fun of(entity: Entity): Quest = entity.of(kind)

    /** A new quest: `quests.create("Prune the figs") { energy = 3 }`. */
    public suspend fun create(title: String = "", parts: QuestEdit.() -> Unit = {}): Quest {
        val edit = QuestEdit()
        edit.title = title
        return of(engine.create(kind, edit.apply(parts).parts))
    }

    /** Changes what is set in [change], together: `quests.edit(id) { due = null; status = QuestStatus.Active }`. */
    public suspend fun edit(id: EntityId, change: QuestEdit.() -> Unit): Quest =
        of(engine.edit(id, kind, QuestEdit().apply(change).parts))

    /** Marks a quest as done. */
    public suspend fun complete(id: EntityId): Quest = edit(id) { status = QuestStatus.Completed }
}

/** Things that there is a number of. */
public class Items internal constructor(engine: Engine) : Things<Item>(engine, Kind.Item) {
    override fun of(entity: Entity): Item = entity.of(kind)

    /** A new item: `items.create("Eggs") { quantity = Quantity.of(12) }`. */
    public suspend fun create(name: String = "", parts: ItemEdit.() -> Unit = {}): Item {
        val edit = ItemEdit()
        edit.name = name
        return of(engine.create(kind, edit.apply(parts).parts))
    }

    /** Changes what is set in [change], together. To take or add some, [count] is better: what others count meanwhile then adds up. */
    public suspend fun edit(id: EntityId, change: ItemEdit.() -> Unit): Item =
        of(engine.edit(id, kind, ItemEdit().apply(change).parts))

    /** Adds to an item's quantity; a negative [delta] takes away. Counts made on several devices add up. */
    public suspend fun count(id: EntityId, delta: Quantity): Item = of(engine.count(id, delta))

    /** Adds whole things to an item's quantity, or takes them away. */
    public suspend fun count(id: EntityId, delta: Int): Item = count(id, Quantity.of(delta.toLong()))
}

/** Where things are. */
public class Locations internal constructor(engine: Engine) : Things<Location>(engine, Kind.Location) {
    override fun of(entity: Entity): Location = entity.of(kind)

    /** A new location, inside of [parent] if one is given. */
    public suspend fun create(name: String, parent: EntityId? = null): Location {
        val parts = Parts()
        parts[Part.Title] = name
        parts.unlessNull(Part.Parent, parent)
        return of(engine.create(kind, parts))
    }

    /** Changes what is set in [change], together. */
    public suspend fun edit(id: EntityId, change: LocationEdit.() -> Unit): Location =
        of(engine.edit(id, kind, LocationEdit().apply(change).parts))
}

/** The parts that everything with a Markdown body has. */
public sealed class BodyEdit {
    internal val parts: Parts = Parts()

    /** The whole Markdown body. */
    public var body: String = ""
        set(value) {
            field = value
            parts[Part.Body] = value
            parts.given.remove(Part.Base)
        }

    /**
     * Sets the body to [text], which was made of [base], the body as it was read: what others wrote since then is merged with it, character by
     * character. `Refused` when it hasn't been [base] lately.
     */
    public fun body(text: String, base: String) {
        body = text
        parts[Part.Base] = base
    }

    /** Adds text at the end of the body, on a line of its own. */
    public fun append(text: String) {
        parts[Part.Append] = text
    }
}

/** The parts of a note to set. What isn't set is left alone. */
public class NoteEdit internal constructor() : BodyEdit() {
    /** The title. */
    public var title: String = ""
        set(value) {
            field = value
            parts[Part.Title] = value
        }
}

/** The parts of a quest to set. What isn't set is left alone; null clears. */
public class QuestEdit internal constructor() : BodyEdit() {
    /** The title. */
    public var title: String = ""
        set(value) {
            field = value
            parts[Part.Title] = value
        }

    /** How it stands. */
    public var status: QuestStatus = QuestStatus.Backlog
        set(value) {
            field = value
            parts[Part.Status] = value
        }

    /** How much energy it takes, 1 to 5. */
    public var energy: Int? = null
        set(value) {
            field = value
            parts[Part.Energy] = value
        }

    /** When it is due. */
    public var due: Due? = null
        set(value) {
            field = value
            parts[Part.Due] = value
        }

    /** The quest that this is part of. */
    public var parent: EntityId? = null
        set(value) {
            field = value
            parts[Part.Parent] = value
        }
}

/** The parts of an item to set. What isn't set is left alone; null clears. */
public class ItemEdit internal constructor() : BodyEdit() {
    /** The name. */
    public var name: String = ""
        set(value) {
            field = value
            parts[Part.Title] = value
        }

    /** How much there is. */
    public var quantity: Quantity = Quantity.Zero
        set(value) {
            field = value
            parts[Part.Quantity] = value
        }

    /** Of what unit. */
    public var unit: String? = null
        set(value) {
            field = value
            parts[Part.Unit] = value
        }

    /** Where it is. */
    public var location: EntityId? = null
        set(value) {
            field = value
            parts[Part.Location] = value
        }
}

/** The parts of a location to set. What isn't set is left alone; null clears. */
public class LocationEdit internal constructor() {
    internal val parts: Parts = Parts()

    /** The name. */
    public var name: String = ""
        set(value) {
            field = value
            parts[Part.Title] = value
        }

    /** The location that this is inside of. */
    public var parent: EntityId? = null
        set(value) {
            field = value
            parts[Part.Parent] = value
        }
}
