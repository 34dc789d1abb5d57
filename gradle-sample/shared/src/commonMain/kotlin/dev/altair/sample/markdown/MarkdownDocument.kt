package dev.altair.sample.markdown

/** Markdown as it is shown: blocks of styled text. */
data class MarkdownDocument(val blocks: List<Block>) {
    companion object {
        val Empty = MarkdownDocument(emptyList())
    }
}

/** A piece of a document that stands on lines of its own. */
sealed interface Block {
    data class Heading(val level: Int, val text: List<Span>) : Block

    data class Paragraph(val text: List<Span>) : Block

    /** A quotation, or a callout when it has a [callout] kind, as `tip`. */
    data class Quote(val callout: String?, val title: String?, val blocks: List<Block>) : Block

    data class Code(val language: String?, val text: String) : Block

    /** A list; numbered from [start] when that is given. */
    data class Listing(val start: Int?, val entries: List<Entry>) : Block

    data class Table(val header: List<List<Span>>, val rows: List<List<List<Span>>>) : Block

    /** Another note or a file that is shown in this place. */
    data class Embed(val target: String) : Block

    data object Rule : Block
}

/** An entry of a list. */
data class Entry(val task: Task?, val blocks: List<Block>)

/** The box of a task. [mark] is where its character stands in the source, to tick it there. */
data class Task(val done: Boolean, val mark: Int)

/** A piece of text with one look. */
sealed interface Span {
    data class Text(val text: String, val styles: Set<Style> = emptySet()) : Span

    /** `[[target|label]]`. */
    data class Wiki(val target: String, val label: String) : Span

    /** A link out into the web. */
    data class Web(val url: String, val label: String) : Span

    /** `#tag`, without its `#`. */
    data class Tag(val name: String) : Span

    data class Image(val url: String, val label: String) : Span
}

/** How a piece of text looks. */
enum class Style { Strong, Emphasis, Struck, Code, Marked }

/** The text without its looks. */
val List<Span>.plain: String
    get() = joinToString("") {
        when (it) {
            is Span.Text -> it.text
            is Span.Wiki -> it.label
            is Span.Web -> it.label
            is Span.Tag -> "#${it.name}"
            is Span.Image -> it.label
        }
    }
