package dev.altair.model

import kotlinx.datetime.Instant
import kotlinx.serialization.json.JsonObject

/** What sort of thing an [Entity] is. */
public enum class Kind {
    /** A thought as it came. */
    Capture,

    /** A page of Markdown. */
    Note,

    /** Something to do. */
    Quest,

    /** Something that there is a number of. */
    Item,

    /** Where things are. */
    Location,

    /** A connection made by hand. */
    Link,

    /** A file that belongs to something. */
    Attachment,
}

/** Anything that is kept. Values never change: read again, or watch, for what is new. */
public sealed interface Entity {
    /** Its id. */
    public val id: EntityId

    /** Its kind. */
    public val kind: Kind

    /** Its title or name; a capture's first line. It may be empty. */
    public val title: String

    /** Its tags, sorted, without `#`: those given by hand, and a note's from its body and front matter. */
    public val tags: List<String>

    /** When it was made. */
    public val createdAt: Instant

    /** When it last changed. */
    public val updatedAt: Instant

    /** The device that made it. */
    public val createdBy: DeviceId

    /** Whether it is in the trash. */
    public val deleted: Boolean
}

/** How a capture came in. */
public enum class Source {
    /** Typed into an app. */
    Keyboard,

    /** Spoken. */
    Voice,

    /** Photographed. */
    Camera,

    /** Shared from another app. */
    Share,

    /** From a home-screen widget. */
    Widget,

    /** From the command line. */
    Cli,

    /** From a program. */
    Api,

    /** Brought in from files. */
    Import,
}

/** A thought as it came, untyped until it is triaged. */
public data class Capture(
    override val id: EntityId,
    override val title: String,
    override val tags: List<String>,
    override val createdAt: Instant,
    override val updatedAt: Instant,
    override val createdBy: DeviceId,
    override val deleted: Boolean,
    /** Its words. */
    public val text: String,
    /** How it came in. */
    public val source: Source,
    /** When. */
    public val capturedAt: Instant,
    /** What it became, once triaged. */
    public val triagedInto: EntityId?,
) : Entity {
    override val kind: Kind get() = Kind.Capture
}

/** A page of Markdown. */
public data class Note(
    override val id: EntityId,
    override val title: String,
    override val tags: List<String>,
    override val createdAt: Instant,
    override val updatedAt: Instant,
    override val createdBy: DeviceId,
    override val deleted: Boolean,
    /** Markdown. */
    public val body: String,
    /** Its path in the vault that it came from. */
    public val path: String?,
    /** Its other names, from its front matter. */
    public val aliases: List<String>,
    /** Its front matter, in order. */
    public val properties: JsonObject,
) : Entity {
    override val kind: Kind get() = Kind.Note
}

/** How a quest stands. */
public enum class QuestStatus {
    /** Not yet begun. */
    Backlog,

    /** Being done. */
    Active,

    /** Done. */
    Completed,

    /** Given up. */
    Abandoned,
}

/** Something to do. */
public data class Quest(
    override val id: EntityId,
    override val title: String,
    override val tags: List<String>,
    override val createdAt: Instant,
    override val updatedAt: Instant,
    override val createdBy: DeviceId,
    override val deleted: Boolean,
    /** Markdown. */
    public val body: String,
    /** How it stands. */
    public val status: QuestStatus,
    /** How much energy it takes, 1 to 5. */
    public val energy: Int?,
    /** When it is due. */
    public val due: Due?,
    /** The quest that this is part of. */
    public val parent: EntityId?,
) : Entity {
    override val kind: Kind get() = Kind.Quest
}

/** Something that there is a number of. Its title is its name. */
public data class Item(
    override val id: EntityId,
    override val title: String,
    override val tags: List<String>,
    override val createdAt: Instant,
    override val updatedAt: Instant,
    override val createdBy: DeviceId,
    override val deleted: Boolean,
    /** Markdown. */
    public val body: String,
    /** How much there is. */
    public val quantity: Quantity,
    /** Of what unit. */
    public val unit: String?,
    /** Where it is. */
    public val location: EntityId?,
) : Entity {
    override val kind: Kind get() = Kind.Item
}

/** Where things are. Its title is its name. */
public data class Location(
    override val id: EntityId,
    override val title: String,
    override val tags: List<String>,
    override val createdAt: Instant,
    override val updatedAt: Instant,
    override val createdBy: DeviceId,
    override val deleted: Boolean,
    /** The location that this is inside of. */
    public val parent: EntityId?,
) : Entity {
    override val kind: Kind get() = Kind.Location
}

/** A connection made by hand, as an entity of its own. What connects an entity is in its [Details]. */
public data class Link(
    override val id: EntityId,
    override val title: String,
    override val tags: List<String>,
    override val createdAt: Instant,
    override val updatedAt: Instant,
    override val createdBy: DeviceId,
    override val deleted: Boolean,
    /** Where it starts. */
    public val from: EntityId?,
    /** Where it ends. */
    public val to: EntityId?,
    /** What it means. */
    public val relation: String,
    /** The heading or block that it points at. */
    public val anchor: String?,
) : Entity {
    override val kind: Kind get() = Kind.Link
}

/** A file that belongs to something. Its title is its name. */
public data class Attachment(
    override val id: EntityId,
    override val title: String,
    override val tags: List<String>,
    override val createdAt: Instant,
    override val updatedAt: Instant,
    override val createdBy: DeviceId,
    override val deleted: Boolean,
    /** Its media type, as `image/png`. */
    public val mediaType: String,
    /** In bytes. */
    public val size: Long,
    /** The BLAKE3 hash of its bytes, in hex. */
    public val hash: String?,
    /** The entity that it belongs to. */
    public val owner: EntityId?,
    /** Its path in the vault that it came from. */
    public val path: String?,
) : Entity {
    override val kind: Kind get() = Kind.Attachment
}
