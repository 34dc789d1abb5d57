package dev.altair.core

import dev.altair.model.Capture
import dev.altair.model.Cursor
import dev.altair.model.EntityId
import dev.altair.model.Item
import dev.altair.model.Kind
import dev.altair.model.Location
import dev.altair.model.Note
import dev.altair.model.Page
import dev.altair.model.Quest
import dev.altair.model.Source
import kotlinx.coroutines.flow.Flow

/** Thoughts as they come, until they are triaged. Newest first. */
public class Inbox internal constructor(private val engine: Engine) {
    /** Writes a thought down. When this returns, it can't be lost any more. */
    public suspend fun capture(text: String, source: Source = Source.Keyboard): Capture =
        engine.capture(text, source).of(Kind.Capture)

    /** A page of what isn't triaged: [limit] at most, 1 to 1000. */
    public suspend fun list(limit: Int = PAGE, after: Cursor? = null): Page<Capture> {
        val page = engine.list(Listed.Inbox, limit, after)
        return Page(page.items.map { it.of(Kind.Capture) }, page.next)
    }

    /** All that isn't triaged, read page by page as it is collected. */
    public fun all(): Flow<Capture> = pages { after -> list(PAGE, after) }

    /** The newest of what isn't triaged, now and after every change. */
    public fun watch(limit: Int = PAGE): Flow<Page<Capture>> = observe(engine, setOf(Kind.Capture)) { list(limit) }

    /** One capture, triaged or not. */
    public suspend fun get(id: EntityId): Capture = engine.get(id).of(Kind.Capture)

    /** Changes a capture's words. With [base], the words as they were read, it is `Refused` where somebody else changed them since. */
    public suspend fun edit(id: EntityId, text: String, base: String? = null): Capture {
        val parts = Parts()
        parts[Part.Body] = text
        parts.unlessNull(Part.Base, base)
        return engine.edit(id, Kind.Capture, parts).of(Kind.Capture)
    }

    /** Makes a note of a capture, which keeps where it came from. Without a [title] the capture's first line is taken. */
    public suspend fun toNote(capture: EntityId, title: String? = null): Note =
        engine.triage(capture, Kind.Note, title).of(Kind.Note)

    /** Makes a quest of a capture. */
    public suspend fun toQuest(capture: EntityId, title: String? = null): Quest =
        engine.triage(capture, Kind.Quest, title).of(Kind.Quest)

    /** Makes an item of a capture. */
    public suspend fun toItem(capture: EntityId, name: String? = null): Item =
        engine.triage(capture, Kind.Item, name).of(Kind.Item)

    /** Makes a location of a capture. */
    public suspend fun toLocation(capture: EntityId, name: String? = null): Location =
        engine.triage(capture, Kind.Location, name).of(Kind.Location)
}
