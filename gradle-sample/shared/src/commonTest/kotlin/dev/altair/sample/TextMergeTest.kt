package dev.altair.sample

import kotlin.random.Random
import kotlin.test.Test
import kotlin.test.assertEquals

class TextMergeTest {
    private fun merge(base: String, mine: String, theirs: String): String {
        val cursor = mine.indexOf('|')
        val merged = mergeTexts(base, mine.replace("|", ""), theirs, Selection(cursor.coerceAtLeast(0)))
        return if (cursor < 0) merged.text else merged.text.replaceRange(merged.selection.start, merged.selection.start, "|")
    }

    @Test
    fun edits_in_different_places_are_both_kept() {
        assertEquals(
            "Two figs.\nAnd three olives.\nNew",
            merge("One fig.\nAnd three olives.", "Two figs.\nAnd three olives.", "One fig.\nAnd three olives.\nNew"),
        )
    }

    @Test
    fun the_cursor_stays_with_the_characters_that_it_was_at() {
        assertEquals("New line\nfigs and pl|ums", merge("figs and plums", "figs and pl|ums", "New line\nfigs and plums"))
        assertEquals("New line\nfigs and ripe |plums", merge("figs and plums", "figs and ripe |plums", "New line\nfigs and plums"))
        assertEquals("figs| and plums too", merge("figs and plums", "figs| and plums", "figs and plums too"))
        assertEquals("figs and plums|\nmore", merge("figs\nmore", "figs and plums|\nmore", "figs\nmore"))
    }

    @Test
    fun the_cursor_in_what_somebody_deleted_stays_at_that_place() {
        assertEquals("a|d!", merge("abcd", "ab|cd!", "ad"))
    }

    @Test
    fun insertions_at_the_same_place_are_both_kept_and_the_same_one_is_one() {
        assertEquals("theirs mine|", merge("", "mine|", "theirs "))
        assertEquals("same", merge("", "same", "same"))
    }

    @Test
    fun emoji_are_never_torn_apart() {
        assertEquals("🍏🍎", merge("🍇", "🍎", "🍏"))
        assertEquals("x🍎y", merge("🍎", "x🍎", "🍎y"))
    }

    @Test
    fun every_merge_ends_with_a_cursor_inside_of_the_text() {
        val random = Random(7)
        fun text(length: Int) = (1..random.nextInt(length + 1)).joinToString("") {
            "ab🍎\n".let { symbols ->
                if (random.nextInt(4) ==
                    0
                ) {
                    "🍎"
                } else {
                    symbols[random.nextInt(2)].toString()
                }
            }
        }
        repeat(2000) {
            val (base, mine, theirs) = List(3) { text(12) }
            val merged = mergeTexts(base, mine, theirs, Selection(random.nextInt(mine.length + 1), mine.length))
            check(merged.selection.start in 0..merged.text.length && merged.selection.end in 0..merged.text.length) {
                "base=$base mine=$mine theirs=$theirs gave $merged"
            }
        }
    }
}
