package dev.altair.sample

import dev.altair.model.Due
import dev.altair.model.FieldChange
import kotlinx.datetime.Instant
import kotlinx.datetime.LocalDate
import kotlinx.datetime.TimeZone
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonPrimitive
import kotlin.test.Test
import kotlin.test.assertEquals

class WordingTest {
    private val zone = TimeZone.UTC
    private val now = Instant.parse("2026-05-13T12:00:00Z")

    @Test
    fun times_are_told_as_one_would_say_them() {
        fun ago(then: String) = ago(Instant.parse(then), now, zone)
        assertEquals("just now", ago("2026-05-13T11:59:30Z"))
        assertEquals("5 min ago", ago("2026-05-13T11:55:00Z"))
        assertEquals("11 h ago", ago("2026-05-13T01:00:00Z"))
        assertEquals("yesterday", ago("2026-05-12T23:00:00Z"))
        assertEquals("Sunday", ago("2026-05-10T12:00:00Z"))
        assertEquals("1 Jan", ago("2026-01-01T12:00:00Z"))
        assertEquals("31 Dec 2025", ago("2025-12-31T12:00:00Z"))
    }

    @Test
    fun due_days_are_told_as_one_would_say_them() {
        fun due(day: String) = Due.Day(LocalDate.parse(day)).word(LocalDate(2026, 5, 13), zone)
        assertEquals(
            listOf("Today", "Tomorrow", "Yesterday", "Saturday", "1 Jun", "24 Dec 2027"),
            listOf("2026-05-13", "2026-05-14", "2026-05-12", "2026-05-16", "2026-06-01", "2027-12-24").map(::due),
        )
    }

    @Test
    fun numbers_can_be_read() {
        assertEquals("1 note", counted(1, "note"))
        assertEquals("12,345 notes", counted(12_345, "note"))
        assertEquals("-123", (-123L).grouped())
        assertEquals(listOf("12 bytes", "1.2 kB", "45 MB"), listOf(12L, 1_234L, 45_678_901L).map(::bytes))
    }

    @Test
    fun changes_are_told_in_a_few_words() {
        assertEquals("status: backlog → active", FieldChange("status", JsonPrimitive("backlog"), JsonPrimitive("active")).word())
        assertEquals("due cleared", FieldChange("due", JsonPrimitive("2026-05-13"), JsonNull).word())
        assertEquals("body", FieldChange("body", JsonPrimitive("a"), JsonPrimitive("b")).word())
    }
}
