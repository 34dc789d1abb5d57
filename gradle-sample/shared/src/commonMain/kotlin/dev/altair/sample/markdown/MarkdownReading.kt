package dev.altair.sample.markdown

import org.intellij.markdown.IElementType
import org.intellij.markdown.MarkdownElementTypes
import org.intellij.markdown.MarkdownTokenTypes
import org.intellij.markdown.ast.ASTNode
import org.intellij.markdown.ast.getTextInNode
import org.intellij.markdown.flavours.gfm.GFMElementTypes
import org.intellij.markdown.flavours.gfm.GFMFlavourDescriptor
import org.intellij.markdown.flavours.gfm.GFMTokenTypes
import org.intellij.markdown.parser.MarkdownParser

/** Reads Markdown as Obsidian writes it: GitHub's, with wiki links, tags, embeds and callouts. Any text can be read. */
fun readMarkdown(source: String): MarkdownDocument =
    MarkdownDocument(BlockReader(source).blocks(MarkdownParser(GFMFlavourDescriptor()).buildMarkdownTreeFromString(source)))

/** Makes blocks of the parser's tree. */
private class BlockReader(private val source: String) {
    private val inline = InlineReader(source)

    fun blocks(parent: ASTNode): List<Block> = parent.children.flatMap(::block)

    private fun block(node: ASTNode): List<Block> = when (node.type) {
        in HEADINGS -> listOf(heading(node))
        MarkdownElementTypes.PARAGRAPH -> listOf(paragraph(node))
        MarkdownElementTypes.BLOCK_QUOTE -> listOf(quote(node))
        MarkdownElementTypes.CODE_FENCE -> listOf(fence(node))
        MarkdownElementTypes.CODE_BLOCK -> listOf(Block.Code(null, node.text().trimIndent()))
        MarkdownElementTypes.UNORDERED_LIST -> listOf(Block.Listing(null, entries(node)))
        MarkdownElementTypes.ORDERED_LIST -> listOf(Block.Listing(startOf(node), entries(node)))
        MarkdownElementTypes.HTML_BLOCK -> listOf(Block.Code("html", node.text()))
        MarkdownTokenTypes.HORIZONTAL_RULE -> listOf(Block.Rule)
        GFMElementTypes.TABLE -> listOf(table(node))
        else -> emptyList()
    }

    private fun heading(node: ASTNode): Block {
        val content = node.children.firstOrNull {
            it.type == MarkdownTokenTypes.ATX_CONTENT || it.type == MarkdownTokenTypes.SETEXT_CONTENT
        }
        return Block.Heading(HEADINGS.getValue(node.type), content?.let { inline.spans(it) }.orEmpty())
    }

    private fun paragraph(node: ASTNode): Block {
        val embed = EMBED.matchEntire(node.text().trim())
        return if (embed == null) Block.Paragraph(inline.spans(node)) else Block.Embed(embed.groupValues[1])
    }

    private fun quote(node: ASTNode): Block {
        val inside = node.children.flatMap(::block)
        val first = inside.firstOrNull() as? Block.Paragraph
        val callout = first?.let { CALLOUT.find(it.text.plain) } ?: return Block.Quote(null, null, inside)
        val (kind, title) = callout.destructured
        val rest = first.text.withoutFirst(callout.value.length)
        val blocks = (if (rest.isEmpty()) emptyList() else listOf(Block.Paragraph(rest))) + inside.drop(1)
        return Block.Quote(kind.lowercase(), title.trim().ifEmpty { null }, blocks)
    }

    private fun fence(node: ASTNode): Block {
        val language = node.children.firstOrNull { it.type == MarkdownTokenTypes.FENCE_LANG }?.text()?.trim()
        val content = node.children.filter { it.type == MarkdownTokenTypes.CODE_FENCE_CONTENT }
        val text = if (content.isEmpty()) "" else lines(node, content)
        return Block.Code(language?.ifEmpty { null }, text)
    }

    /** The lines of a fence without what quotes or lists put before them. */
    private fun lines(fence: ASTNode, content: List<ASTNode>): String {
        val within = fence.children.dropWhile { it.type != MarkdownTokenTypes.EOL }.drop(1)
            .filter { it.type == MarkdownTokenTypes.EOL || it in content }
        return within.joinToString("") { if (it.type == MarkdownTokenTypes.EOL) "\n" else it.text() }.trimEnd('\n')
    }

    private fun entries(list: ASTNode): List<Entry> =
        list.children.filter { it.type == MarkdownElementTypes.LIST_ITEM }.map { Entry(task(it), blocks(it)) }

    private fun task(item: ASTNode): Task? {
        val box = item.children.firstOrNull { it.type == GFMTokenTypes.CHECK_BOX } ?: return null
        val mark = source.indexOf('[', box.startOffset) + 1
        return Task(source[mark] != ' ', mark)
    }

    private fun startOf(list: ASTNode): Int {
        val first = list.children.firstOrNull { it.type == MarkdownElementTypes.LIST_ITEM } ?: return 1
        return first.text().trimStart().takeWhile(Char::isDigit).toIntOrNull() ?: 1
    }

    private fun table(node: ASTNode): Block {
        fun cells(row: ASTNode) = row.children.filter { it.type == GFMTokenTypes.CELL }.map { inline.spans(it) }
        val header = node.children.firstOrNull { it.type == GFMElementTypes.HEADER }?.let(::cells).orEmpty()
        return Block.Table(header, node.children.filter { it.type == GFMElementTypes.ROW }.map(::cells))
    }

    private fun ASTNode.text() = getTextInNode(source).toString()

    private companion object {
        val HEADINGS: Map<IElementType, Int> = mapOf(
            MarkdownElementTypes.ATX_1 to 1,
            MarkdownElementTypes.ATX_2 to 2,
            MarkdownElementTypes.ATX_3 to 3,
            MarkdownElementTypes.ATX_4 to 4,
            MarkdownElementTypes.ATX_5 to 5,
            MarkdownElementTypes.ATX_6 to 6,
            MarkdownElementTypes.SETEXT_1 to 1,
            MarkdownElementTypes.SETEXT_2 to 2,
        )
        val EMBED = Regex("""!\[\[([^\[\]|]+)(?:\|[^\[\]]*)?]]""")
        val CALLOUT = Regex("""^\[!([\w-]+)][+-]?([^\n]*)\n?""")
    }
}

/** The spans that are left when the first [length] characters are taken away. */
private fun List<Span>.withoutFirst(length: Int): List<Span> {
    var left = length
    return mapNotNull { span ->
        val size = listOf(span).plain.length
        val cut = left.coerceAtMost(size)
        left -= cut
        when {
            cut == 0 -> span
            cut == size || span !is Span.Text -> null
            else -> span.copy(text = span.text.drop(cut))
        }
    }
}
