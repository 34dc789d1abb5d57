package dev.altair.model

import kotlinx.datetime.Instant
import kotlinx.serialization.json.JsonElement

/** Where a connection was found. */
public enum class LinkOrigin {
    /** Made by hand. */
    Hand,

    /** Written in a body. */
    Body,
}

/** The other end of a connection. */
public data class Ref(
    /** The entity; null for a link to something that doesn't exist yet. */
    public val id: EntityId?,
    /** Its kind. */
    public val kind: Kind?,
    /** Its title, or what an unresolved link names. */
    public val title: String,
    /** What the connection means: the word given by hand, else `link` or `embed`. */
    public val relation: String,
    /** Where it was found. */
    public val origin: LinkOrigin,
)

/** One attachment of an entity. */
public data class AttachmentRef(
    /** The attachment's id. */
    public val id: EntityId,
    /** Its file name. */
    public val name: String,
    /** Its media type. */
    public val mediaType: String,
    /** In bytes. */
    public val size: Long,
    /** The BLAKE3 hash of its bytes, in hex. */
    public val hash: String?,
)

/** An attachment whose bytes can be read. */
public data class AttachmentFile(
    /** The attachment. */
    public val attachment: Attachment,
    /** Where its bytes are. The file is shared by everything that has the same bytes: read it, never write to it. */
    public val path: String,
)

/** An entity with everything around it. */
public data class Details(
    /** The entity. */
    public val entity: Entity,
    /** What it links to. */
    public val links: List<Ref>,
    /** What links to it. */
    public val backlinks: List<Ref>,
    /** Its attachments. */
    public val attachments: List<AttachmentRef>,
    /** Its conflicts. */
    public val conflicts: List<Conflict>,
)

/** A field that was set to different things at once, on different devices. */
public data class Conflict(
    /** The same on every device. */
    public val id: String,
    /** The entity. */
    public val entity: EntityId,
    /** The field. */
    public val field: String,
    /** The values; the one that holds meanwhile comes first. */
    public val heads: List<Head>,
) {
    /** One of the values. */
    public data class Head(
        /** Its name, to choose it by. */
        public val name: String,
        /** The value. */
        public val value: JsonElement,
        /** When it was set. */
        public val at: Instant,
        /** By which device. */
        public val device: DeviceId,
    )
}

/** One answer of a search. */
public data class Hit(
    /** The entity. */
    public val id: EntityId,
    /** Its kind. */
    public val kind: Kind,
    /** Its title. */
    public val title: String,
    /** BM25; greater is better. Comparable within one search only. */
    public val score: Float,
    /** A piece of its text, with the matches marked. */
    public val snippet: Snippet,
)

/** A piece of text with some of it highlighted. */
public data class Snippet(
    /** The text. */
    public val text: String,
    /** What to highlight in [text], in order and apart from each other. */
    public val highlights: List<IntRange>,
)

/** One version in an entity's history. */
public data class Version(
    /** Its name, to go back to it by. */
    public val id: ChangeId,
    /** When it was made. */
    public val at: Instant,
    /** By which device. */
    public val device: DeviceId,
    /** What it changed. */
    public val changes: List<FieldChange>,
)

/** One field's old and new value. */
public data class FieldChange(
    /** The field. */
    public val field: String,
    /** Its value before; JSON null when there was none. */
    public val old: JsonElement,
    /** Its value after. */
    public val new: JsonElement,
)

/** A field that undoing or redoing set back. */
public data class Undone(
    /** The entity. */
    public val entity: EntityId,
    /** The field. */
    public val field: String,
)

/** What happened to an entity. */
public enum class EventKind {
    /** It is new. */
    Created,

    /** Some of its fields changed. */
    Changed,

    /** It went to the trash. */
    Deleted,

    /** It came back from the trash. */
    Restored,

    /** It is gone for good. */
    Erased,
}

/** One change, as somebody who watches sees it. */
public data class Event(
    /** The store's own count of changes. */
    public val seq: Long,
    /** When the change was made. */
    public val at: Instant,
    /** By which device. */
    public val device: DeviceId,
    /** Of which entity. */
    public val entity: EntityId,
    /** Its kind. */
    public val kind: Kind,
    /** What happened. */
    public val event: EventKind,
    /** Which fields. */
    public val fields: List<String>,
)

/** What a watcher sees next. */
public sealed interface Watched {
    /** The number of the last change that this speaks of. */
    public val seq: Long

    /** Where the store stands: what is read now has every change up to [seq]. Always the first. */
    public data class Current(override val seq: Long) : Watched

    /** One change. */
    public data class Changed(
        /** The change. */
        public val event: Event,
    ) : Watched {
        override val seq: Long get() = event.seq
    }

    /** The watcher was too slow and some changes were passed over: read again. Watching goes on after [seq]. */
    public data class Lagged(override val seq: Long) : Watched
}
