package dev.altair.sample

import dev.altair.model.Due
import dev.altair.model.FieldChange
import dev.altair.model.Kind
import dev.altair.model.QuestStatus
import kotlinx.datetime.Instant
import kotlinx.datetime.LocalDate
import kotlinx.datetime.TimeZone
import kotlinx.datetime.atStartOfDayIn
import kotlinx.datetime.daysUntil
import kotlinx.datetime.toLocalDateTime
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonPrimitive
import kotlin.time.Duration.Companion.days
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.minutes

/** What a person calls a kind. */
val Kind.word: String get() = name

/** What a person calls a status. */
val QuestStatus.word: String get() = name

/** A title in quotation marks, short enough for a sentence. */
fun String.named(): String = when {
    isBlank() -> "What has no title"
    length > LONGEST_NAME -> "“${take(LONGEST_NAME).trimEnd()}…”"
    else -> "“$this”"
}

/** A title to show in a list, where there is always one. */
fun String.orUntitled(): String = ifBlank { "Untitled" }

/** `1 note`, `2 notes`. */
fun counted(count: Long, one: String, many: String = "${one}s"): String = "${count.grouped()} ${if (count == 1L) one else many}"

/** A number that can be read: `12,345`. */
fun Long.grouped(): String = toString().reversed().chunked(3).joinToString(",").reversed().replace("-,", "-")

/** A size that can be read: `4.2 MB`. */
fun bytes(count: Long): String {
    val units = listOf("bytes", "kB", "MB", "GB", "TB")
    var size = count.toDouble()
    var unit = 0
    while (size >= STEP && unit < units.lastIndex) {
        size /= STEP
        unit++
    }
    val tenths = (size * 10).toLong()
    return if (unit == 0 || tenths >= 100) "${size.toLong()} ${units[unit]}" else "${tenths / 10}.${tenths % 10} ${units[unit]}"
}

/** How long ago something was, as one would say it. */
fun ago(then: Instant, now: Instant, zone: TimeZone): String {
    val passed = now - then
    return when {
        passed < 1.minutes -> "just now"
        passed < 1.hours -> "${passed.inWholeMinutes} min ago"
        passed < 1.days && then.day(zone) == now.day(zone) -> "${passed.inWholeHours} h ago"
        then.day(zone).daysUntil(now.day(zone)) == 1 -> "yesterday"
        then.day(zone).daysUntil(now.day(zone)) < DAYS_OF_WEEK -> then.day(zone).weekday()
        then.day(zone).year == now.day(zone).year -> then.day(zone).short()
        else -> "${then.day(zone).short()} ${then.day(zone).year}"
    }
}

/** A day and time in full. */
fun moment(then: Instant, zone: TimeZone): String {
    val local = then.toLocalDateTime(zone)
    return "${local.date.short()} ${local.date.year}, ${local.hour.padded()}:${local.minute.padded()}"
}

/** When a quest is due, as one would say it. */
fun Due.word(today: LocalDate, zone: TimeZone): String {
    val day = day(zone)
    val distance = today.daysUntil(day)
    return when {
        distance == 0 -> "Today"
        distance == 1 -> "Tomorrow"
        distance == -1 -> "Yesterday"
        distance in 2 until DAYS_OF_WEEK -> day.weekday()
        day.year == today.year -> day.short()
        else -> "${day.short()} ${day.year}"
    }
}

/** The day on which a quest is due. */
fun Due.day(zone: TimeZone): LocalDate = when (this) {
    is Due.Day -> date
    is Due.Moment -> instant.day(zone)
}

/** What a change did, in a few words: `body`, `status: backlog → active`. */
fun FieldChange.word(): String {
    val (before, after) = old.short() to new.short()
    return when {
        field == "body" || field == "text" || before.length + after.length > LONGEST_VALUES -> field
        before.isEmpty() -> "$field: $after"
        after.isEmpty() -> "$field cleared"
        else -> "$field: $before → $after"
    }
}

/** A value as a person would write it. */
fun JsonElement.short(): String = when (this) {
    JsonNull -> ""
    is JsonPrimitive -> content
    is JsonArray -> joinToString { it.short() }
    else -> toString()
}

internal fun Due.firstMoment(): Instant = when (this) {
    is Due.Day -> date.atStartOfDayIn(TimeZone.currentSystemDefault())
    is Due.Moment -> instant
}

private fun Instant.day(zone: TimeZone): LocalDate = toLocalDateTime(zone).date

private fun LocalDate.weekday(): String = dayOfWeek.name.lowercase().replaceFirstChar { it.uppercase() }

private fun LocalDate.short(): String = "$dayOfMonth ${month.name.lowercase().replaceFirstChar { it.uppercase() }.take(3)}"

private fun Int.padded(): String = toString().padStart(2, '0')

private const val LONGEST_NAME = 48
private const val LONGEST_VALUES = 60
private const val STEP = 1000.0
private const val DAYS_OF_WEEK = 7
