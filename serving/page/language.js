// The page's texts in English and Chinese; the browser's language at first, then the user's choice.

const TEXTS = {
  en: {
    skip: "Skip to the readings", key: "API key", docs: "API", other: "中文",
    dropTitle: "Drop, paste or choose pictures of plates",
    dropHelp: "Cropped plates are read as they are. In a whole photograph, mark the plates. Pictures are read by this service and kept nowhere.",
    choose: "Choose pictures", samples: "Try sample plates",
    threshold: "Accept from", reset: "Reset", results: "Readings",
    copy: "Copy accepted", csv: "Download CSV", clear: "Clear",
    tally: "{accepted} accepted · {refused} refused", tallyUnread: " · {unread} unreadable",
    tallyReading: " · {reading} being read",
    accepted: "accepted", refused: "refused", reading: "reading…", unreadable: "not readable",
    mark: "Mark plates", markAgain: "Change rectangles", copyOne: "Copy {text}", remove: "Remove {name}",
    hint: "A whole photograph? Mark the plate in it.",
    uncertain: "The likeliest characters made no valid plate; this is the likeliest valid one.",
    confidence: "confidence {value}", characters: "Confidence of each character",
    copied: "Copied: {count}", nothing: "No reading is accepted, so nothing was copied",
    notCopied: "The browser did not allow copying",
    regionsTitle: "Mark the plates", close: "Close",
    regionsHelp: "Draw a rectangle around each plate, or type its corners in pixels.",
    addBox: "Add a rectangle", readBoxes: "Read", removeBox: "Remove rectangle {number}",
    box: "Rectangle {number}", left: "left", top: "top", right: "right", bottom: "bottom",
    noBoxes: "Draw a rectangle first", noPreview: "no preview", rows2: "two rows", region: "region {number}",
    offline: "the service cannot be reached", failed: "the service failed; its log says why",
    model: "model {model}",
    blue: "blue", yellow: "yellow", green: "green", white: "white", black: "black", colourOther: "other colour",
  },
  zh: {
    skip: "跳到识别结果", key: "访问密钥", docs: "接口文档", other: "English",
    dropTitle: "拖入、粘贴或选择车牌图片",
    dropHelp: "裁剪好的车牌直接识别；整张照片请框出车牌。图片只由本服务识别，不会保存。",
    choose: "选择图片", samples: "试试示例车牌",
    threshold: "置信度达到即接受", reset: "恢复默认", results: "识别结果",
    copy: "复制已接受的", csv: "下载 CSV", clear: "清空",
    tally: "接受 {accepted} · 拒绝 {refused}", tallyUnread: " · 无法读取 {unread}",
    tallyReading: " · 正在识别 {reading}",
    accepted: "接受", refused: "拒绝", reading: "正在识别…", unreadable: "无法读取",
    mark: "框选车牌", markAgain: "修改选框", copyOne: "复制 {text}", remove: "移除 {name}",
    hint: "这是整张照片吗？请框出其中的车牌。",
    uncertain: "逐位最可能的字符不构成有效车牌，这里是最可能的有效车牌。",
    confidence: "置信度 {value}", characters: "每个字符的置信度",
    copied: "已复制 {count} 个", nothing: "没有被接受的结果，未复制",
    notCopied: "浏览器不允许复制",
    regionsTitle: "框选车牌", close: "关闭",
    regionsHelp: "在每个车牌周围画一个框，或输入框角的像素坐标。",
    addBox: "添加一个框", readBoxes: "识别", removeBox: "删除第 {number} 个框",
    box: "第 {number} 个框", left: "左", top: "上", right: "右", bottom: "下",
    noBoxes: "请先画一个框", noPreview: "无法预览", rows2: "双层", region: "第 {number} 个框",
    offline: "无法连接服务", failed: "服务出错，详见其日志",
    model: "模型 {model}",
    blue: "蓝牌", yellow: "黄牌", green: "绿牌", white: "白牌", black: "黑牌", colourOther: "其他颜色",
    status400: "请求有误", status401: "需要访问密钥", status408: "上传太慢",
    status413: "图片太大", status415: "不是可识别的图片格式", status422: "图片损坏或太小",
    status503: "服务繁忙，请稍后再试",
  },
};
const KEPT = "chepai-language";

let current = "en";

/** The text of a key, with its {places} filled in; empty where the language has none. */
export function text(key, values = {}) {
  const found = TEXTS[current][key] ?? "";
  return found.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

/** Chinese names a failure by its kind, before the service's own sentence, which is English. */
export function failure(status, sentence) {
  const kind = text(`status${status}`);
  return kind ? `${kind}（${sentence}）` : sentence;
}

export function startLanguage() {
  let kept = null;
  try { kept = localStorage.getItem(KEPT); } catch { /* storage is forbidden: the choice is for now */ }
  const wanted = kept ?? (navigator.languages ?? [navigator.language])
    .map((tag) => tag.slice(0, 2)).find((tag) => tag in TEXTS);
  apply(wanted in TEXTS ? wanted : "en");
}

export function switchLanguage() {
  apply(current === "en" ? "zh" : "en");
  try { localStorage.setItem(KEPT, current); } catch { /* as above */ }
}

function apply(language) {
  current = language;
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const place of document.querySelectorAll("[data-t]")) {
    place.textContent = text(place.dataset.t);
  }
  const other = document.getElementById("language");
  other.textContent = text("other");
  other.lang = language === "zh" ? "en" : "zh-CN";
}
