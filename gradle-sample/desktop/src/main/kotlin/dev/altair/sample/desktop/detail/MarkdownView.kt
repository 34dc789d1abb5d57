package dev.altair.sample.desktop.detail

import androidx.compose.foundation.Image
import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.horizontalScroll
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.IntrinsicSize
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.RowScope
import androidx.compose.foundation.layout.fillMaxHeight
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.layout.width
import androidx.compose.foundation.layout.widthIn
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.produceState
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.ImageBitmap
import androidx.compose.ui.layout.ContentScale
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.semantics.stateDescription
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextDecoration
import androidx.compose.ui.unit.dp
import dev.altair.sample.desktop.look.Icons
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.parts.HorizontalLine
import dev.altair.sample.desktop.parts.pressable
import dev.altair.sample.markdown.Block
import dev.altair.sample.markdown.Entry
import dev.altair.sample.markdown.Span
import dev.altair.sample.markdown.Task

/** What a rendered document can ask of the app. */
class Reading(
    val links: Links,
    val tick: (Task) -> Unit,
    /** The picture that an embed names; null when it is none. */
    val picture: suspend (String) -> ImageBitmap?,
)

/** A block of Markdown as it is read. */
@Composable
fun MarkdownBlock(block: Block, reading: Reading, modifier: Modifier = Modifier) {
    when (block) {
        is Block.Heading -> HeadingText(block, reading.links, modifier)
        is Block.Paragraph -> Prose(block.text, reading.links, modifier)
        is Block.Quote -> QuoteView(block, reading, modifier)
        is Block.Code -> CodeView(block, modifier)
        is Block.Listing -> ListingView(block, reading, modifier)
        is Block.Table -> TableView(block, reading.links, modifier)
        is Block.Embed -> EmbedView(block, reading, modifier)
        Block.Rule -> HorizontalLine(modifier.padding(vertical = 8.dp))
    }
}

@Composable
private fun Prose(
    text: List<Span>,
    links: Links,
    modifier: Modifier = Modifier,
    style: TextStyle = Look.lettering.body,
    color: Color = Look.palette.ink,
) {
    Text(styled(text, links), modifier, style = style, color = color)
}

@Composable
private fun HeadingText(heading: Block.Heading, links: Links, modifier: Modifier) {
    val style = when (heading.level) {
        1 -> Look.lettering.page.copy(fontSize = Look.lettering.page.fontSize * 0.85f, lineHeight = Look.lettering.page.lineHeight * 0.9f)
        2 -> Look.lettering.title
        else -> Look.lettering.heading
    }
    Prose(heading.text, links, modifier.padding(top = if (heading.level == 1) 8.dp else 12.dp).semantics { heading() }, style)
}

@Composable
private fun QuoteView(quote: Block.Quote, reading: Reading, modifier: Modifier) {
    val palette = Look.palette
    val color = if (quote.callout == null) palette.line else calloutColor(quote.callout.orEmpty())
    val fill = if (quote.callout == null) Color.Transparent else color.copy(alpha = 0.09f)
    Row(modifier.fillMaxWidth().height(IntrinsicSize.Min).clip(RoundedCornerShape(6.dp)).background(fill)) {
        Box(Modifier.width(3.dp).fillMaxHeight().background(color))
        Column(Modifier.padding(start = 14.dp, top = 8.dp, end = 12.dp, bottom = 8.dp), verticalArrangement = Arrangement.spacedBy(8.dp)) {
            quote.callout?.let { kind ->
                Text(quote.title ?: kind.replaceFirstChar(Char::uppercase), style = Look.lettering.heading, color = color)
            }
            quote.blocks.forEach { MarkdownBlock(it, reading) }
        }
    }
}

@Composable
private fun calloutColor(kind: String): Color = when (kind) {
    "tip", "hint", "success", "check", "done" -> Look.palette.good
    "warning", "caution", "attention", "question", "important" -> Look.palette.warn
    "danger", "error", "bug", "fail", "failure" -> Look.palette.trouble
    else -> Look.palette.accent
}

@Composable
private fun CodeView(code: Block.Code, modifier: Modifier) {
    Box(
        modifier
            .fillMaxWidth()
            .background(Look.palette.frame, RoundedCornerShape(8.dp))
            .border(1.dp, Look.palette.line, RoundedCornerShape(8.dp))
            .horizontalScroll(rememberScrollState())
            .padding(horizontal = 14.dp, vertical = 12.dp),
    ) {
        Text(code.text, style = Look.lettering.code.copy(lineHeight = Look.lettering.label.lineHeight), softWrap = false)
    }
}

@Composable
private fun ListingView(list: Block.Listing, reading: Reading, modifier: Modifier) {
    Column(modifier, verticalArrangement = Arrangement.spacedBy(4.dp)) {
        list.entries.forEachIndexed { index, entry -> EntryView(entry, list.start?.let { "${it + index}." }, reading) }
    }
}

@Composable
private fun EntryView(entry: Entry, number: String?, reading: Reading) {
    val palette = Look.palette
    val task = entry.task
    Row {
        Box(Modifier.widthIn(min = 26.dp).height(24.dp), contentAlignment = Alignment.CenterStart) {
            when {
                task != null -> TaskBox(task, reading.tick)
                number != null -> Text(number, Modifier.padding(end = 6.dp), style = Look.lettering.body, color = palette.quiet)
                else -> Box(Modifier.padding(start = 6.dp).size(5.dp).background(palette.faint, RoundedCornerShape(3.dp)))
            }
        }
        Column(Modifier.weight(1f), verticalArrangement = Arrangement.spacedBy(4.dp)) {
            entry.blocks.forEach { block ->
                if (block is Block.Paragraph && task?.done == true) {
                    val struck = Look.lettering.body.copy(textDecoration = TextDecoration.LineThrough)
                    Prose(block.text, reading.links, style = struck, color = palette.faint)
                } else {
                    MarkdownBlock(block, reading)
                }
            }
        }
    }
}

@Composable
private fun TaskBox(task: Task, tick: (Task) -> Unit) {
    val palette = Look.palette
    Box(
        Modifier
            .size(17.dp)
            .pressable({ tick(task) }, role = Role.Checkbox, radius = 5.dp, fill = if (task.done) palette.accent else Color.Transparent)
            .border(1.5.dp, if (task.done) palette.accent else palette.faint, RoundedCornerShape(5.dp))
            .semantics { stateDescription = if (task.done) "Done" else "Open" },
        contentAlignment = Alignment.Center,
    ) {
        if (task.done) Icon(Icons.Check, null, Modifier.size(13.dp), tint = palette.onAccent)
    }
}

@Composable
private fun TableView(table: Block.Table, links: Links, modifier: Modifier) {
    val palette = Look.palette
    Column(modifier.fillMaxWidth().clip(RoundedCornerShape(8.dp)).border(1.dp, palette.line, RoundedCornerShape(8.dp))) {
        Row(Modifier.background(palette.frame)) { table.header.forEach { Cell(it, links, strong = true) } }
        table.rows.forEach { row ->
            HorizontalLine()
            Row { row.forEach { Cell(it, links, strong = false) } }
        }
    }
}

@Composable
private fun RowScope.Cell(text: List<Span>, links: Links, strong: Boolean) {
    val style = if (strong) Look.lettering.label.copy(fontWeight = FontWeight.Medium) else Look.lettering.label
    Prose(text, links, Modifier.weight(1f).padding(horizontal = 12.dp, vertical = 8.dp), style)
}

@Composable
private fun EmbedView(embed: Block.Embed, reading: Reading, modifier: Modifier) {
    val picture by produceState<ImageBitmap?>(null, embed.target) { value = reading.picture(embed.target) }
    val shown = picture
    if (shown == null) {
        Row(
            modifier
                .pressable({ reading.links.follow(embed.target) }, fill = Look.palette.frame)
                .padding(horizontal = 12.dp, vertical = 8.dp),
            horizontalArrangement = Arrangement.spacedBy(8.dp),
            verticalAlignment = Alignment.CenterVertically,
        ) {
            Icon(Icons.Link, null, Modifier.size(16.dp), tint = Look.palette.quiet)
            Text(embed.target, style = Look.lettering.label, color = Look.palette.quiet)
        }
    } else {
        Image(
            shown,
            contentDescription = embed.target,
            modifier = modifier.widthIn(max = (shown.width / 2).coerceAtLeast(120).dp).clip(RoundedCornerShape(8.dp)),
            contentScale = ContentScale.FillWidth,
        )
    }
}
