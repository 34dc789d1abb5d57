package dev.altair.model

import kotlinx.datetime.Instant
import kotlinx.datetime.LocalDate
import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertNull

class DueTest {
    @Test
    fun `a day is a day wherever one is`() {
        assertEquals(Due.Day(LocalDate(2026, 12, 24)), Due.parse("2026-12-24"))
        assertEquals("2026-12-24", Due.Day(LocalDate(2026, 12, 24)).toString())
        assertEquals(Due.Day(LocalDate(2028, 2, 29)), Due.parse(" 2028-02-29\n"))
    }

    @Test
    fun `a moment is the same moment in every time zone`() {
        val moment = Due.Moment(Instant.parse("2026-12-24T18:00:00Z"))
        assertEquals<Due?>(moment, Due.parse("2026-12-24T18:00:00Z"))
        assertEquals<Due?>(moment, Due.parse("2026-12-24T19:00:00+01:00"))
        assertEquals("2026-12-24T18:00:00Z", moment.toString())
    }

    @Test
    fun `what is neither is not guessed at`() {
        val wrong = listOf(
            "", " ", "soon", "tomorrow", "24.12.2026", "2026-13-01", "2026-02-30", "2027-02-29", "2026-12", "2026-12-24T", "2026-12-24T25:00:00Z",
            "2026-12-24T18:00:00", "18:00", "0", "-", "2026-12-24\u0000",
        )
        for (text in wrong) assertNull(Due.parse(text), "\"$text\"")
    }

    @Test
    fun `every due is read back as it was written`() {
        val random = Random(4)
        repeat(5_000) {
            val day = Due.Day(LocalDate.fromEpochDays(random.nextInt(-700_000, 2_900_000)))
            assertEquals<Due?>(day, Due.parse(day.toString()))
            val moment = Due.Moment(Instant.fromEpochMilliseconds(random.nextLong(-60_000_000_000_000, 250_000_000_000_000)))
            assertEquals<Due?>(moment, Due.parse(moment.toString()))
        }
        for (instant in listOf(Instant.DISTANT_PAST, Instant.fromEpochSeconds(0), Instant.fromEpochSeconds(0, 1), Instant.DISTANT_FUTURE)) {
            assertEquals<Due?>(Due.Moment(instant), Due.parse(Due.Moment(instant).toString()))
        }
    }
}
