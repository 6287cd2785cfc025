using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace Antiphon.Architecture.Tests;

/// <summary>Which types of an assembly touch the operating system's sockets or native functions, read from their metadata and IL.</summary>
internal sealed class SocketReferences
{
    private static readonly Dictionary<int, OperandKind> Operands = typeof(System.Reflection.Emit.OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (System.Reflection.Emit.OpCode)field.GetValue(null)!)
        .ToDictionary(code => (int)(ushort)code.Value, KindOf);

    private readonly MetadataReader _metadata;
    private readonly System.Reflection.PortableExecutable.PEReader _image;

    private SocketReferences(System.Reflection.PortableExecutable.PEReader image)
    {
        _image = image;
        _metadata = image.GetMetadataReader();
    }

    private enum OperandKind
    {
        None,
        One,
        Two,
        Four,
        Eight,
        Token,
        Switch,
    }

    /// <summary>Full names of the outermost types that reference System.Net.Sockets or declare a native function.</summary>
    public static IReadOnlyList<string> In(System.Reflection.PortableExecutable.PEReader image) => new SocketReferences(image).Find();

    private List<string> Find() =>
        [.. _metadata.TypeDefinitions.Where(TouchesSockets).Select(OutermostName).Distinct().Order()];

    private bool TouchesSockets(TypeDefinitionHandle handle)
    {
        var type = _metadata.GetTypeDefinition(handle);
        return IsOfSockets(type.BaseType)
            || type.GetInterfaceImplementations().Any(one => IsOfSockets(_metadata.GetInterfaceImplementation(one).Interface))
            || type.GetFields().Any(field => SignatureHolds(_metadata.GetFieldDefinition(field).Signature))
            || type.GetMethods().Any(TouchesSockets);
    }

    private bool TouchesSockets(MethodDefinitionHandle handle)
    {
        var method = _metadata.GetMethodDefinition(handle);
        if ((method.Attributes & MethodAttributes.PinvokeImpl) != 0 || SignatureHolds(method.Signature))
        {
            return true;
        }

        if (method.RelativeVirtualAddress == 0)
        {
            return false;
        }

        var body = _image.GetMethodBody(method.RelativeVirtualAddress);
        return (!body.LocalSignature.IsNil && SignatureHolds(_metadata.GetStandaloneSignature(body.LocalSignature).Signature))
            || TokensOf(body.GetILReader()).Any(IsOfSockets);
    }

    /// <summary>The metadata tokens in a method's instructions.</summary>
    private static List<EntityHandle> TokensOf(BlobReader code)
    {
        var tokens = new List<EntityHandle>();
        while (code.RemainingBytes > 0)
        {
            int instruction = code.ReadByte();
            if (instruction == 0xFE)
            {
                instruction = 0xFE00 | code.ReadByte();
            }

            switch (Operands[instruction])
            {
                case OperandKind.Token:
                    var token = MetadataTokens.Handle(code.ReadInt32());
                    if (token.Kind is HandleKind.MemberReference
                        or HandleKind.TypeReference
                        or HandleKind.TypeSpecification
                        or HandleKind.MethodSpecification)
                    {
                        tokens.Add((EntityHandle)token);
                    }

                    break;
                case OperandKind.Switch:
                    var targets = code.ReadInt32();
                    code.Offset += sizeof(int) * targets;
                    break;
                case OperandKind.One:
                    code.Offset += 1;
                    break;
                case OperandKind.Two:
                    code.Offset += 2;
                    break;
                case OperandKind.Four:
                    code.Offset += 4;
                    break;
                case OperandKind.Eight:
                    code.Offset += 8;
                    break;
                default:
                    break;
            }
        }

        return tokens;
    }

    private bool IsOfSockets(EntityHandle handle) => !handle.IsNil && handle.Kind switch
    {
        HandleKind.TypeReference => NamespaceOf((TypeReferenceHandle)handle).StartsWith("System.Net.Sockets", StringComparison.Ordinal),
        HandleKind.MemberReference => IsOfSockets(_metadata.GetMemberReference((MemberReferenceHandle)handle).Parent)
            || SignatureHolds(_metadata.GetMemberReference((MemberReferenceHandle)handle).Signature),
        HandleKind.MethodSpecification => IsOfSockets(_metadata.GetMethodSpecification((MethodSpecificationHandle)handle).Method)
            || SignatureHolds(_metadata.GetMethodSpecification((MethodSpecificationHandle)handle).Signature),
        HandleKind.TypeSpecification => SignatureHolds(_metadata.GetTypeSpecification((TypeSpecificationHandle)handle).Signature),
        _ => false,
    };

    /// <summary>
    /// Whether a signature names a type of sockets. Its tokens are looked for at every byte:
    /// one found by chance is next to impossible and would be seen.
    /// </summary>
    private bool SignatureHolds(BlobHandle signature)
    {
        var bytes = _metadata.GetBlobBytes(signature);
        for (var i = 0; i + 1 < bytes.Length; i++)
        {
            // ELEMENT_TYPE_VALUETYPE and ELEMENT_TYPE_CLASS stand before a coded token.
            if (bytes[i] is 0x11 or 0x12)
            {
                var token = _metadata.GetBlobReader(signature);
                token.Offset = i + 1;
                if (token.TryReadCompressedInteger(out var coded)
                    && (coded & 3) == 1
                    && coded >> 2 is var row && row > 0 && row <= _metadata.GetTableRowCount(TableIndex.TypeRef)
                    && IsOfSockets(MetadataTokens.TypeReferenceHandle(row)))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private string NamespaceOf(TypeReferenceHandle handle)
    {
        var type = _metadata.GetTypeReference(handle);
        return type.ResolutionScope.Kind == HandleKind.TypeReference
            ? NamespaceOf((TypeReferenceHandle)type.ResolutionScope)
            : _metadata.GetString(type.Namespace);
    }

    private string OutermostName(TypeDefinitionHandle handle)
    {
        var type = _metadata.GetTypeDefinition(handle);
        return type.GetDeclaringType() is { IsNil: false } outer
            ? OutermostName(outer)
            : $"{_metadata.GetString(type.Namespace)}.{_metadata.GetString(type.Name)}";
    }

    private static OperandKind KindOf(System.Reflection.Emit.OpCode code) => code.OperandType switch
    {
        System.Reflection.Emit.OperandType.InlineNone => OperandKind.None,
        System.Reflection.Emit.OperandType.ShortInlineBrTarget or System.Reflection.Emit.OperandType.ShortInlineI
            or System.Reflection.Emit.OperandType.ShortInlineVar => OperandKind.One,
        System.Reflection.Emit.OperandType.InlineVar => OperandKind.Two,
        System.Reflection.Emit.OperandType.InlineBrTarget or System.Reflection.Emit.OperandType.InlineI
            or System.Reflection.Emit.OperandType.ShortInlineR or System.Reflection.Emit.OperandType.InlineString
            or System.Reflection.Emit.OperandType.InlineSig => OperandKind.Four,
        System.Reflection.Emit.OperandType.InlineI8 or System.Reflection.Emit.OperandType.InlineR => OperandKind.Eight,
        System.Reflection.Emit.OperandType.InlineSwitch => OperandKind.Switch,
        _ => OperandKind.Token,
    };
}
