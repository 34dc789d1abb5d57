package dev.altair.core

import app.cash.turbine.test
import dev.altair.model.AltairException
import dev.altair.model.Kind
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.flowOf
import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertIs
import kotlin.test.assertNull
import kotlin.test.assertTrue

class SearchTest {
    private suspend fun Altair.found(query: String) = search.find(query).items.map { it.title }

    @Test
    fun `what was just written is found at once`() = withStore { altair ->
        val note = altair.notes.create("Figs", "They want a sunny wall.")
        val hit = altair.search.find("sunny").items.single()
        assertEquals(Triple(note.id, Kind.Note, "Figs"), Triple(hit.id, hit.kind, hit.title))
        assertTrue(hit.score > 0)
        assertEquals(listOf("sunny"), hit.snippet.highlights.map { hit.snippet.text.substring(it) })
        altair.notes.edit(note.id) { body = "They want shade." }
        assertEquals(emptyList(), altair.found("sunny"))
        altair.entities.delete(note.id)
        assertEquals(emptyList(), altair.found("shade"))
    }

    @Test
    fun `words are found without case and accents, by stem and by beginning`() = withStore { altair ->
        altair.inbox.capture("Zoë gardens on Friday")
        for (query in listOf("zoe", "ZOË", "garden", "frid", "\"on friday\"", "kind:capture zoe", "after:2020-01-01 zoe")) {
            assertEquals(1, altair.found(query).size, query)
        }
        for (query in listOf("\"friday on\"", "zoe -friday", "kind:note zoe", "before:2020-01-01 zoe")) {
            assertEquals(0, altair.found(query).size, query)
        }
    }

    @Test
    fun `Chinese, Japanese and Korean are found`() = withStore { altair ->
        altair.notes.create("旅行", "来年は京都に行きたい。")
        altair.notes.create("여행", "내년에는 서울에 가고 싶다")
        assertEquals(listOf("旅行"), altair.found("京都"))
        assertEquals(listOf("여행"), altair.found("서울"))
        val snippet = altair.search.find("京都").items.single().snippet
        assertEquals(listOf("京都"), snippet.highlights.map { snippet.text.substring(it) })
    }

    @Test
    fun `highlights fit the text whatever stands before them`() = withStore { altair ->
        altair.notes.create("n", "🦊 « chat » שלום e\u0301te\u0301 «chat» 👩‍👩‍👧 chat › ende")
        val snippet = altair.search.find("chat").items.single().snippet
        assertEquals(listOf("chat", "chat", "chat"), snippet.highlights.map { snippet.text.substring(it) })
        assertTrue(snippet.highlights.zipWithNext().all { (one, next) -> one.last < next.first })
        assertTrue("🦊" in snippet.text && "👩‍👩‍👧" in snippet.text, snippet.text)
    }

    @Test
    fun `hits are narrowed by kind and tag`() = withStore { altair ->
        altair.notes.create("figs in the garden", "#garden/trees")
        altair.notes.create("figs in the kitchen", "#kitchen")
        altair.quests.create("figs to prune")
        assertEquals(3, altair.search.find("figs").items.size)
        assertEquals(listOf("figs to prune"), altair.search.find("figs", kind = Kind.Quest).items.map { it.title })
        assertEquals(listOf("figs in the garden"), altair.search.find("figs", tag = "garden").items.map { it.title })
        assertEquals(listOf("figs in the kitchen"), altair.search.find("tag:kitchen").items.map { it.title })
        fails<AltairException.Invalid> { altair.search.find("figs", tag = "two words") }
    }

    @Test
    fun `hits are read page by page`() = withStore { altair ->
        val all = List(12) { altair.notes.create("figs $it").id }.toSet()
        val hits = whole { altair.search.find("figs", limit = 5, after = it) }
        assertEquals(12, hits.size)
        assertEquals(all, hits.map { it.id }.toSet())
        assertNull(altair.search.find("figs", limit = 12).next)
    }

    @Test
    fun `queries that cannot be understood are refused`() = withStore { altair ->
        val wrong = listOf("", "  ", "\n", "!?", "-figs", "kind:banana", "after:soon", "tag:", "x ".repeat(200), "x".repeat(1001), "🦊")
        for (query in wrong) fails<AltairException.Invalid> { altair.search.find(query) }
        for (strange in listOf("\"figs", "nul\u0000byte", "figs AND (", "title:^~*", "'; DROP TABLE entity; --", "\\")) {
            try {
                assertEquals(emptyList(), altair.found(strange))
            } catch (refused: AltairException.Invalid) {
                assertTrue(refused.hint.isNotBlank())
            }
        }
    }

    @Test
    fun `search as you type follows the words and the store`() = withStore { altair ->
        altair.notes.create("Figs")
        val typed = MutableStateFlow("")
        altair.search.asYouType(typed).test(timeout = DEADLINE) {
            assertEquals(emptyList(), awaitItem())
            typed.value = "fi"
            assertEquals(listOf("Figs"), awaitItem().map { it.title })
            val fishing = altair.quests.create("Fishing")
            assertEquals(setOf("Figs", "Fishing"), awaitItem().map { it.title }.toSet())
            typed.value = "fish"
            assertEquals(listOf(fishing.id), awaitItem().map { it.id })
            typed.value = "   "
            assertEquals(emptyList(), awaitItem())
            cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `search as you type is narrowed by kind and limit`() = withStore { altair ->
        repeat(3) { altair.notes.create("figs $it") }
        altair.quests.create("figs to prune")
        altair.search.asYouType(flowOf("figs"), Kind.Quest).test(timeout = DEADLINE) {
            assertEquals(listOf("figs to prune"), awaitItem().map { it.title })
            cancelAndIgnoreRemainingEvents()
        }
        altair.search.asYouType(flowOf("figs"), limit = 2).test(timeout = DEADLINE) {
            assertEquals(2, awaitItem().size)
            cancelAndIgnoreRemainingEvents()
        }
    }

    @Test
    fun `search as you type throws for what is no query`() = withStore { altair ->
        altair.search.asYouType(flowOf("kind:banana")).test(timeout = DEADLINE) {
            assertIs<AltairException.Invalid>(awaitError())
        }
    }
}
