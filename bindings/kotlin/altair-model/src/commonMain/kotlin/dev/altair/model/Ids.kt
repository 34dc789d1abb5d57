package dev.altair.model

import kotlin.jvm.JvmInline

/** The id of a capture, note, quest, item, location, link or attachment: a UUIDv7 in its usual spelling. */
@JvmInline
public value class EntityId(
    /** Its text. */
    public val value: String,
) {
    override fun toString(): String = value
}

/** The id of a device: one installed client of a household. */
@JvmInline
public value class DeviceId(
    /** Its text. */
    public val value: String,
) {
    override fun toString(): String = value
}

/** The id of a change, which also names the version of an entity that it made. */
@JvmInline
public value class ChangeId(
    /** Its text. */
    public val value: String,
) {
    override fun toString(): String = value
}

/** Where the next page of a list begins. It belongs to the list that it came from. */
@JvmInline
public value class Cursor(
    /** Its text. */
    public val value: String,
) {
    override fun toString(): String = value
}

/** Part of a list, in order. */
public data class Page<out T>(
    /** What is on this page. */
    public val items: List<T>,
    /** Pass this as `after` for what follows; null at the end. */
    public val next: Cursor?,
)
