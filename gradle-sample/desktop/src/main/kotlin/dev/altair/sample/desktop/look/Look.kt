package dev.altair.sample.desktop.look

import androidx.compose.foundation.text.selection.LocalTextSelectionColors
import androidx.compose.foundation.text.selection.TextSelectionColors
import androidx.compose.material3.LocalContentColor
import androidx.compose.material3.LocalTextStyle
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.runtime.CompositionLocalProvider
import androidx.compose.runtime.Immutable
import androidx.compose.runtime.ReadOnlyComposable
import androidx.compose.runtime.remember
import androidx.compose.runtime.staticCompositionLocalOf
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.font.FontFamily
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.LineHeightStyle
import androidx.compose.ui.unit.TextUnit
import androidx.compose.ui.unit.em
import androidx.compose.ui.unit.sp

/** The typographic scale. Line heights are multiples of four. */
@Immutable
data class Lettering(
    val page: TextStyle,
    val title: TextStyle,
    val heading: TextStyle,
    val body: TextStyle,
    val label: TextStyle,
    val strong: TextStyle,
    val small: TextStyle,
    val tiny: TextStyle,
    val code: TextStyle,
) {
    companion object {
        fun of(text: FontFamily, code: FontFamily): Lettering {
            fun style(size: Int, line: Int, weight: FontWeight = FontWeight.Normal, spacing: TextUnit = 0.em) = TextStyle(
                fontFamily = text,
                fontSize = size.sp,
                lineHeight = line.sp,
                fontWeight = weight,
                letterSpacing = spacing,
                lineHeightStyle = LineHeightStyle(LineHeightStyle.Alignment.Center, LineHeightStyle.Trim.None),
            )
            return Lettering(
                page = style(26, 36, FontWeight.SemiBold, (-0.018).em),
                title = style(18, 24, FontWeight.SemiBold, (-0.01).em),
                heading = style(15, 24, FontWeight.SemiBold),
                body = style(15, 24),
                label = style(14, 20),
                strong = style(14, 20, FontWeight.Medium),
                small = style(13, 20),
                tiny = style(12, 16),
                code = style(14, 24).copy(fontFamily = code),
            )
        }
    }
}

private val LocalLettering = staticCompositionLocalOf { Lettering.of(FontFamily.Default, FontFamily.Monospace) }

/** What the app looks like here: its colours and its letters. */
object Look {
    val palette: Palette
        @Composable @ReadOnlyComposable
        get() = LocalPalette.current

    val lettering: Lettering
        @Composable @ReadOnlyComposable
        get() = LocalLettering.current
}

/** Gives [content] the app's look, dark or light. */
@Composable
fun AltairLook(dark: Boolean, content: @Composable () -> Unit) {
    val palette = if (dark) Palette.Dark else Palette.Light
    val lettering = remember { Lettering.of(Fonts.text, Fonts.code) }
    MaterialTheme(colorScheme = palette.scheme()) {
        CompositionLocalProvider(
            LocalPalette provides palette,
            LocalLettering provides lettering,
            LocalContentColor provides palette.ink,
            LocalTextStyle provides lettering.label,
            LocalTextSelectionColors provides TextSelectionColors(palette.accent, palette.accent.copy(alpha = 0.28f)),
            content = content,
        )
    }
}

private fun Palette.scheme() = (if (dark) darkColorScheme() else lightColorScheme()).copy(
    primary = accent,
    onPrimary = onAccent,
    primaryContainer = accentSoft,
    onPrimaryContainer = ink,
    background = paper,
    onBackground = ink,
    surface = paper,
    onSurface = ink,
    surfaceVariant = frame,
    onSurfaceVariant = quiet,
    surfaceContainer = raised,
    outline = line,
    outlineVariant = line,
    error = trouble,
    onError = paper,
)
