package dev.altair.sample.markdown

import org.intellij.markdown.MarkdownElementTypes
import org.intellij.markdown.MarkdownTokenTypes
import org.intellij.markdown.ast.ASTNode
import org.intellij.markdown.ast.findChildOfType
import org.intellij.markdown.ast.getTextInNode
import org.intellij.markdown.flavours.gfm.GFMElementTypes
import org.intellij.markdown.flavours.gfm.GFMTokenTypes

/** Makes spans of the inside of a block. Wiki links aren't known to the parser: they are found first, and it is not asked about them. */
internal class InlineReader(private val source: String) {
    fun spans(node: ASTNode): List<Span> {
        val writer = SpanWriter()
        val wikis = WIKI.findAll(source.substring(node.startOffset, node.endOffset))
            .map { Wiki(node.startOffset + it.range.first, node.startOffset + it.range.last + 1, it) }
            .filterNot { wiki -> node.coversInCode(wiki.start) }
            .toList()
        node.children.ifEmpty { listOf(node) }.forEach { write(it, writer, wikis, emptySet()) }
        return writer.finish()
    }

    private class Wiki(val start: Int, val end: Int, val match: MatchResult)

    private fun write(node: ASTNode, writer: SpanWriter, wikis: List<Wiki>, styles: Set<Style>) {
        val wiki = wikis.firstOrNull { node.startOffset >= it.start && node.endOffset <= it.end }
        if (wiki != null) {
            if (node.startOffset == wiki.start) writer.put(spanOf(wiki.match))
            return
        }
        when (node.type) {
            MarkdownElementTypes.STRONG -> inside(node, writer, wikis, styles + Style.Strong)
            MarkdownElementTypes.EMPH -> inside(node, writer, wikis, styles + Style.Emphasis)
            GFMElementTypes.STRIKETHROUGH -> inside(node, writer, wikis, styles + Style.Struck)
            MarkdownElementTypes.CODE_SPAN -> writer.write(codeIn(node.text()), styles + Style.Code)
            MarkdownElementTypes.INLINE_LINK -> writer.put(link(node))
            MarkdownElementTypes.IMAGE -> writer.put(link(node).let { Span.Image(it.url, it.label) })
            MarkdownElementTypes.AUTOLINK -> node.text().trim('<', '>').let { writer.put(Span.Web(it, it)) }
            GFMTokenTypes.GFM_AUTOLINK -> node.text().let { writer.put(Span.Web(if (':' in it) it else "https://$it", it)) }
            MarkdownTokenTypes.HARD_LINE_BREAK -> writer.write("\n", styles)
            MarkdownTokenTypes.EOL -> writer.write("\n", styles)
            MarkdownTokenTypes.BLOCK_QUOTE -> Unit
            MarkdownTokenTypes.HTML_TAG -> if (node.text().startsWith("<br")) writer.write("\n", styles)
            else -> if (node.children.isEmpty()) {
                writer.write(
                    unescaped(node.text()),
                    styles,
                )
            } else {
                inside(node, writer, wikis, styles, whole = true)
            }
        }
    }

    /** The children of an emphasis without the marks around them. */
    private fun inside(node: ASTNode, writer: SpanWriter, wikis: List<Wiki>, styles: Set<Style>, whole: Boolean = false) {
        val marks = if (whole) emptySet() else setOf(MarkdownTokenTypes.EMPH, GFMTokenTypes.TILDE)
        node.children.filterNot { it.type in marks }.forEach { write(it, writer, wikis, styles) }
    }

    private fun link(node: ASTNode): Span.Web {
        val holder = node.findChildOfType(MarkdownElementTypes.INLINE_LINK) ?: node
        val url = holder.findChildOfType(MarkdownElementTypes.LINK_DESTINATION)?.text().orEmpty().trim('<', '>')
        val label = holder.findChildOfType(MarkdownElementTypes.LINK_TEXT)?.text().orEmpty().removeSurrounding("[", "]")
        return Span.Web(url, label.ifEmpty { url })
    }

    private fun spanOf(match: MatchResult): Span {
        val (target, label) = match.destructured
        return Span.Wiki(target.trim(), label.trim().ifEmpty { target.trim().removePrefix("#").replace("#", " › ") })
    }

    private fun ASTNode.coversInCode(offset: Int): Boolean = children.any { child ->
        offset in child.startOffset until child.endOffset && (child.type == MarkdownElementTypes.CODE_SPAN || child.coversInCode(offset))
    }

    private fun ASTNode.text() = getTextInNode(source).toString()

    private companion object {
        val WIKI = Regex("""!?\[\[([^\[\]|\n]+?)(?:\\?\|([^\[\]\n]*))?]]""")
        val ESCAPE = Regex("""\\([!-/:-@\[-`{-~])""")

        fun unescaped(text: String) = text.replace(ESCAPE, "$1")

        fun codeIn(text: String): String {
            val ticks = text.takeWhile { it == '`' }
            return text.removeSurrounding(ticks).let {
                if (it.startsWith(' ') &&
                    it.endsWith(' ') &&
                    it.isNotBlank()
                ) {
                    it.drop(1).dropLast(1)
                } else {
                    it
                }
            }
        }
    }
}

/** Joins what has the same look and finds the tags in it. */
private class SpanWriter {
    private val spans = mutableListOf<Span>()
    private val text = StringBuilder()
    private var styles = emptySet<Style>()
    private var atLineStart = true

    fun write(more: String, look: Set<Style>) {
        if (look != styles) flush()
        styles = look
        text.append(if (atLineStart && Style.Code !in look) more.trimStart(' ', '\t') else more)
        atLineStart = if (text.isEmpty()) atLineStart else text.last() == '\n'
    }

    fun put(span: Span) {
        flush()
        spans += span
        atLineStart = false
    }

    fun finish(): List<Span> {
        flush()
        return spans
    }

    private fun flush() {
        if (text.isEmpty()) return
        if (Style.Code in styles) spans += Span.Text(text.toString(), styles) else tagged(text.toString())
        text.clear()
    }

    private fun tagged(text: String) {
        var at = 0
        for (tag in TAG.findAll(text)) {
            val start = tag.range.last + 1 - tag.groupValues[1].length - 1
            plain(text.substring(at, start))
            spans += Span.Tag(tag.groupValues[1])
            at = tag.range.last + 1
        }
        plain(text.substring(at))
    }

    private fun plain(text: String) {
        var marked = false
        for (piece in text.split("==").let { if (it.size % 2 == 1) it else listOf(text) }) {
            if (piece.isNotEmpty()) spans += Span.Text(piece, if (marked) styles + Style.Marked else styles)
            marked = !marked
        }
    }

    private companion object {
        /** A tag holds at least one character that isn't a digit. */
        val TAG = Regex("""(?:^|(?<=[\s(]))#([\p{L}\d_/-]*[\p{L}_/-][\p{L}\d_/-]*)""")
    }
}
