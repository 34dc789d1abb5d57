package dev.altair.sample.desktop.parts

import androidx.compose.foundation.BorderStroke
import androidx.compose.foundation.ExperimentalFoundationApi
import androidx.compose.foundation.TooltipArea
import androidx.compose.foundation.TooltipPlacement
import androidx.compose.foundation.background
import androidx.compose.foundation.border
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.height
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.selection.selectableGroup
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.Icon
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.vector.ImageVector
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.semantics.Role
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.selected
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.unit.DpOffset
import androidx.compose.ui.unit.dp
import dev.altair.sample.desktop.look.Look

/** How much a button asks for attention. */
enum class Emphasis { Main, Plain, Danger }

/** A button with words. [key] is the key that does the same. */
@Composable
fun TextButton(
    text: String,
    onPress: () -> Unit,
    modifier: Modifier = Modifier,
    icon: ImageVector? = null,
    key: String? = null,
    emphasis: Emphasis = Emphasis.Plain,
    enabled: Boolean = true,
) {
    val palette = Look.palette
    val fill = when (emphasis) {
        Emphasis.Main -> palette.accent
        Emphasis.Plain -> palette.raised
        Emphasis.Danger -> palette.trouble
    }
    val ink = when (emphasis) {
        Emphasis.Main -> palette.onAccent
        Emphasis.Plain -> palette.ink
        Emphasis.Danger -> palette.paper
    }
    val border = if (emphasis == Emphasis.Plain) Modifier.border(1.dp, palette.line, RoundedCornerShape(8.dp)) else Modifier
    Row(
        modifier
            .pressable(onPress, enabled, fill = if (enabled) fill else fill.copy(alpha = 0.5f))
            .then(border)
            .height(32.dp)
            .padding(horizontal = 12.dp),
        horizontalArrangement = Arrangement.spacedBy(8.dp),
        verticalAlignment = Alignment.CenterVertically,
    ) {
        if (icon != null) Icon(icon, null, Modifier.size(16.dp), tint = if (emphasis == Emphasis.Plain) palette.quiet else ink)
        Text(text, style = Look.lettering.strong, color = if (enabled) ink else ink.copy(alpha = 0.6f), maxLines = 1)
        if (key != null) KeyCap(key, ink)
    }
}

/** A button with an icon. Its [name] is told to who hovers and to who listens. */
@Composable
fun IconButton(
    icon: ImageVector,
    name: String,
    onPress: () -> Unit,
    modifier: Modifier = Modifier,
    enabled: Boolean = true,
    tint: Color = Look.palette.quiet,
    fill: Color = Color.Transparent,
) {
    Hinted(name) {
        Box(
            modifier.size(32.dp).pressable(onPress, enabled, label = name, fill = fill).semantics { contentDescription = name },
            contentAlignment = Alignment.Center,
        ) {
            Icon(icon, null, Modifier.size(18.dp), tint = if (enabled) tint else tint.copy(alpha = 0.4f))
        }
    }
}

/** Shows [hint] to who lingers over [content]. */
@OptIn(ExperimentalFoundationApi::class)
@Composable
fun Hinted(hint: String, content: @Composable () -> Unit) {
    TooltipArea(
        tooltip = {
            Text(
                hint,
                Modifier
                    .background(Look.palette.ink, RoundedCornerShape(6.dp))
                    .padding(horizontal = 8.dp, vertical = 4.dp),
                style = Look.lettering.tiny,
                color = Look.palette.paper,
            )
        },
        tooltipPlacement = TooltipPlacement.ComponentRect(Alignment.BottomCenter, Alignment.BottomCenter, DpOffset(0.dp, 4.dp)),
        content = content,
    )
}

/** The name of a key, as a small cap. */
@Composable
fun KeyCap(key: String, ink: Color = Look.palette.quiet) {
    Text(
        key,
        Modifier.border(BorderStroke(1.dp, ink.copy(alpha = 0.25f)), RoundedCornerShape(4.dp)).padding(horizontal = 5.dp, vertical = 1.dp),
        style = Look.lettering.tiny,
        color = ink.copy(alpha = 0.8f),
        maxLines = 1,
    )
}

/** One of a few choices. */
data class Choice<T>(val value: T, val name: String, val icon: ImageVector? = null)

/** A few choices side by side, one of them made. */
@Composable
fun <T> Choices(choices: List<Choice<T>>, chosen: T?, onChoose: (T) -> Unit, modifier: Modifier = Modifier, tag: String = "choice") {
    val palette = Look.palette
    Row(
        modifier.background(palette.hover, RoundedCornerShape(8.dp)).padding(2.dp).selectableGroup(),
        horizontalArrangement = Arrangement.spacedBy(2.dp),
    ) {
        choices.forEach { choice ->
            val isChosen = choice.value == chosen
            Row(
                Modifier
                    .testTag("$tag:${choice.name}")
                    .pressable({
                        onChoose(choice.value)
                    }, role = Role.RadioButton, radius = 6.dp, fill = if (isChosen) palette.chosen else Color.Transparent)
                    .semantics { selected = isChosen }
                    .height(28.dp)
                    .padding(horizontal = 10.dp),
                horizontalArrangement = Arrangement.spacedBy(6.dp),
                verticalAlignment = Alignment.CenterVertically,
            ) {
                val ink = if (isChosen) palette.ink else palette.quiet
                choice.icon?.let { Icon(it, null, Modifier.size(15.dp), tint = ink) }
                Text(choice.name, style = Look.lettering.small, color = ink, maxLines = 1)
            }
        }
    }
}
