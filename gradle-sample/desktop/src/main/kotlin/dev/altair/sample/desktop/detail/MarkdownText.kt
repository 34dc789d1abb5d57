package dev.altair.sample.desktop.detail

import androidx.compose.runtime.Composable
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.text.AnnotatedString
import androidx.compose.ui.text.LinkAnnotation
import androidx.compose.ui.text.SpanStyle
import androidx.compose.ui.text.TextLinkStyles
import androidx.compose.ui.text.buildAnnotatedString
import androidx.compose.ui.text.font.FontFamily
import androidx.compose.ui.text.font.FontStyle
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextDecoration
import androidx.compose.ui.text.withLink
import androidx.compose.ui.text.withStyle
import dev.altair.model.Kind
import dev.altair.sample.desktop.look.Fonts
import dev.altair.sample.desktop.look.Look
import dev.altair.sample.desktop.look.Palette
import dev.altair.sample.markdown.Span
import dev.altair.sample.markdown.Style

/** What following a link in a text does. */
class Links(
    /** Whether a wiki link's target exists. */
    val exists: (String) -> Boolean,
    val follow: (String) -> Unit,
    val browse: (String) -> Unit,
    val search: (String) -> Unit,
)

/** Spans as Compose draws them, with links that can be pressed. */
@Composable
fun styled(spans: List<Span>, links: Links): AnnotatedString {
    val palette = Look.palette
    return buildAnnotatedString { spans.forEach { append(it, links, palette) } }
}

private fun AnnotatedString.Builder.append(span: Span, links: Links, palette: Palette) {
    when (span) {
        is Span.Text -> withStyle(styleOf(span.styles, palette)) { append(span.text) }
        is Span.Wiki -> {
            val color = if (links.exists(span.target)) palette.accent else palette.faint
            val underline = if (links.exists(span.target)) TextDecoration.None else TextDecoration.Underline
            withLink(LinkAnnotation.Clickable("wiki:${span.target}", linkStyles(color, palette, underline)) { links.follow(span.target) }) {
                append(span.label)
            }
        }
        is Span.Web -> withLink(
            LinkAnnotation.Clickable("web:${span.url}", linkStyles(palette.of(Kind.Note), palette)) {
                links.browse(span.url)
            },
        ) {
            append(span.label)
        }
        is Span.Tag -> withLink(
            LinkAnnotation.Clickable("tag:${span.name}", linkStyles(palette.warn, palette)) {
                links.search("tag:${span.name}")
            },
        ) {
            append("#${span.name}")
        }
        is Span.Image -> withLink(
            LinkAnnotation.Clickable("web:${span.url}", linkStyles(palette.quiet, palette)) {
                links.browse(span.url)
            },
        ) {
            append(span.label)
        }
    }
}

private fun linkStyles(color: Color, palette: Palette, decoration: TextDecoration = TextDecoration.None) = TextLinkStyles(
    style = SpanStyle(color = color, textDecoration = decoration),
    focusedStyle = SpanStyle(color = color, background = palette.accentSoft, textDecoration = TextDecoration.Underline),
    hoveredStyle = SpanStyle(color = color, textDecoration = TextDecoration.Underline),
)

private fun styleOf(styles: Set<Style>, palette: Palette) = SpanStyle(
    fontWeight = if (Style.Strong in styles) FontWeight.SemiBold else null,
    fontStyle = if (Style.Emphasis in styles) FontStyle.Italic else null,
    textDecoration = if (Style.Struck in styles) TextDecoration.LineThrough else null,
    fontFamily = if (Style.Code in styles) codeFamily else null,
    background = when {
        Style.Code in styles -> palette.hover
        Style.Marked in styles -> palette.mark
        else -> Color.Unspecified
    },
)

private val codeFamily: FontFamily get() = Fonts.code
