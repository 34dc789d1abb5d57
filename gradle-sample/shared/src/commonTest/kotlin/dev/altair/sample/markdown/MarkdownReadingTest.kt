package dev.altair.sample.markdown

import kotlin.test.Test
import kotlin.test.assertEquals
import kotlin.test.assertIs

class MarkdownReadingTest {
    private fun text(text: String, vararg styles: Style) = Span.Text(text, styles.toSet())

    private fun paragraph(source: String): List<Span> = assertIs<Block.Paragraph>(readMarkdown(source).blocks.single()).text

    @Test
    fun headings_paragraphs_and_rules_are_blocks() {
        val blocks = readMarkdown("# Figs\n\nThey *are* **ripe**.\n\n---\n\nSecond\n===\n").blocks
        assertEquals(
            listOf(
                Block.Heading(1, listOf(text("Figs"))),
                Block.Paragraph(listOf(text("They "), text("are", Style.Emphasis), text(" "), text("ripe", Style.Strong), text("."))),
                Block.Rule,
                Block.Heading(1, listOf(text("Second"))),
            ),
            blocks,
        )
    }

    @Test
    fun wiki_links_have_a_target_and_a_label() {
        assertEquals(
            listOf(
                text("See "),
                Span.Wiki("Trees/Fig", "the fig"),
                text(" and "),
                Span.Wiki("Plum#Pruning", "Plum › Pruning"),
                text("."),
            ),
            paragraph("See [[Trees/Fig|the fig]] and [[Plum#Pruning]]."),
        )
        assertEquals(listOf(text("[[not a link]]", Style.Code)), paragraph("`[[not a link]]`"))
        assertEquals(listOf(text("An "), Span.Wiki("a.png", "a.png")), paragraph("An ![[a.png]]"))
    }

    @Test
    fun an_embed_on_a_line_of_its_own_is_a_block() {
        assertEquals(listOf<Block>(Block.Embed("map.png")), readMarkdown("![[map.png|300]]").blocks)
    }

    @Test
    fun tags_are_found_where_they_are_tags() {
        assertEquals(
            listOf(Span.Tag("garden"), text(" in "), Span.Tag("house/kitchen"), text(", not #1 nor a#b")),
            paragraph("#garden in #house/kitchen, not #1 nor a#b"),
        )
        assertEquals(listOf(text("#no", Style.Code)), paragraph("`#no`"))
    }

    @Test
    fun tasks_know_where_their_mark_stands() {
        val source = "Do:\n\n- [ ] prune\n- [x] water\n- plain\n"
        val list = assertIs<Block.Listing>(readMarkdown(source).blocks[1])
        assertEquals(listOf(false, true, null), list.entries.map { it.task?.done })
        assertEquals(listOf(' ', 'x'), list.entries.mapNotNull { it.task }.map { source[it.mark] })
        assertEquals(Block.Paragraph(listOf(text("prune"))), list.entries[0].blocks.single())
    }

    @Test
    fun lists_nest_and_are_numbered_from_where_they_start() {
        val list = assertIs<Block.Listing>(readMarkdown("3. three\n4. four\n   - below\n").blocks.single())
        assertEquals(3, list.start)
        assertIs<Block.Listing>(list.entries[1].blocks[1])
    }

    @Test
    fun code_is_left_as_it_is() {
        assertEquals(
            listOf<Block>(Block.Code("kotlin", "val a = 1\n\n  val b = [[2]]")),
            readMarkdown("```kotlin\nval a = 1\n\n  val b = [[2]]\n```").blocks,
        )
    }

    @Test
    fun callouts_have_a_kind_and_a_title() {
        val quote = assertIs<Block.Quote>(readMarkdown("> [!tip] Prune early\n> Before the buds open.\n").blocks.single())
        assertEquals("tip" to "Prune early", quote.callout to quote.title)
        assertEquals(listOf<Block>(Block.Paragraph(listOf(text("Before the buds open.")))), quote.blocks)
        assertEquals(null, assertIs<Block.Quote>(readMarkdown("> only said").blocks.single()).callout)
    }

    @Test
    fun tables_have_cells_of_spans() {
        val table = assertIs<Block.Table>(readMarkdown("| Tree | Year |\n| --- | --- |\n| [[Fig\\|a fig]] | 2020 |\n").blocks.single())
        assertEquals(listOf("Tree", "Year"), table.header.map { it.plain.trim() })
        assertEquals(listOf("a fig", "2020"), table.rows.single().map { it.plain.trim() })
    }

    @Test
    fun links_into_the_web_keep_their_label() {
        assertEquals(
            listOf(Span.Web("https://example.org", "there"), text(" "), Span.Web("https://example.org/a", "https://example.org/a")),
            paragraph("[there](https://example.org) <https://example.org/a>"),
        )
    }

    @Test
    fun highlights_are_marked() {
        assertEquals(listOf(text("so "), text("ripe", Style.Marked), text(" now")), paragraph("so ==ripe== now"))
    }

    @Test
    fun anything_can_be_read() {
        val odd = listOf("", "\u0000", "[[", "]]|[[", "- [", "> [!", "```", "| a |\n|-", "🍎#🍎", "#", "**", "![[", "\\", "<", "[a](")
        (odd + "\uD83C").forEach { readMarkdown(it) }
    }
}
