BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 40
    $null = $site | Connect-AlloyScan -Name actions

    function Get-Completion {
        param([string] $Line)

        [System.Management.Automation.CommandCompletion]::CompleteInput($Line, $Line.Length, $null).CompletionMatches.CompletionText
    }
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'Service actions' {
    BeforeEach {
        $store = Join-Path $TestDrive "$([guid]::NewGuid()).db"
    }

    Context 'Get-AlloyScanServiceAction' {
        It 'lists by number, name, class and kind' {
            (Get-AlloyScanServiceAction -Store $store).Id | Should -Be 2943, 2944, 2945, 2946
            (Get-AlloyScanServiceAction 2946, 2943 -Store $store).Id | Should -Be 2946, 2943
            (Get-AlloyScanServiceAction -Name 'create *' -Store $store).Id | Should -Be 2943, 2945
            (Get-AlloyScanServiceAction -Class Hardware -Kind Update -Store $store).Id | Should -Be 2946
            ([pscustomobject]@{ Id = 2944 } | Get-AlloyScanServiceAction -Store $store).Name | Should -BeLike 'Update Computer*'
            Get-AlloyScanServiceAction -Name x* -Store $store | Should -BeNullOrEmpty
        }

        It 'reports what is not there and goes on' {
            $found = Get-AlloyScanServiceAction 7, 2944 -Store $store -ErrorVariable problem -ErrorAction SilentlyContinue
            $found.Id | Should -Be 2944
            $problem[0].FullyQualifiedErrorId | Should -BeLike 'ServiceActionNotFound,*'
            Get-ErrorId { Get-AlloyScanServiceAction -Name none -Store $store } | Should -Be 'ServiceActionNotFound'
        }

        It 'shows each mapping in a line of its own' {
            $lines = (Get-AlloyScanServiceAction 2943 -Store $store | Format-List | Out-String).Split("`n").Trim()
            $lines | Should -Contain 'asset_tag = assetTag UnlessEdited'
            $lines | Where-Object { $_ -match '^InitialValues *: status = Auto-Added$' } | Should -HaveCount 1
            $mappings = Get-AlloyScanServiceAction 2943 -ExpandMapping -Store $store
            $mappings.Count | Should -Be 15
            $mappings[0].PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Cmdb.FieldMapping'
            "$($mappings[0])" | Should -Be 'name = name WhenSourceHasValue'
        }
    }

    Context 'Mappings bind' {
        It 'from <Form>' -ForEach @(
            @{ Form = 'text'; Mapping = { 'dns_name = {name}.{dnsDomain} WhenTargetEmpty' }; Expected = 'dns_name = {name}.{dnsDomain} WhenTargetEmpty' }
            @{ Form = 'text without mode'; Mapping = { 'asset_tag = custom.Asset No' }; Expected = 'asset_tag = custom.Asset No UnlessEdited' }
            @{ Form = 'text with a constant'; Mapping = { 'model = "It''s a ""box""" Always AllowEmpty' }; Expected = 'model = "It''s a ""box""" Always AllowEmpty' }
            @{ Form = 'a hashtable'; Mapping = { @{ Field = 'asset_tag'; Attribute = 'SERIALNUMBER'; Mode = 'always' } }; Expected = 'asset_tag = serialNumber Always' }
            @{ Form = 'a hashtable with a constant that is a number'; Mapping = { @{ field = 'memory_bytes'; constant = 16GB } }; Expected = 'memory_bytes = "17179869184" WhenSourceHasValue' }
            @{ Form = 'an ordered hashtable with a template'; Mapping = { [ordered]@{ Field = 'name'; Template = '{hostName}'; Mode = 'Always'; AllowEmpty = $true } }; Expected = 'name = {hostName} Always AllowEmpty' }
            @{ Form = 'a mapping that a cmdlet emitted'; Mapping = { (Get-AlloyScanServiceAction 2944 -Store $store).Mappings[3] }; Expected = 'asset_tag = assetTag UnlessEdited' }
            @{ Form = 'an expanded mapping'; Mapping = { Get-AlloyScanServiceAction 2944 -ExpandMapping -Store $store | Where-Object Field -EQ cpu }; Expected = 'cpu = cpuName WhenSourceHasValue' }
            @{ Form = 'JSON of a mapping'; Mapping = { (Get-AlloyScanServiceAction 2944 -Store $store).Mappings[3] | ConvertTo-Json | ConvertFrom-Json }; Expected = 'asset_tag = assetTag UnlessEdited' }
        ) {
            (New-AlloyScanServiceAction A -Class Computer -Kind Update -Mapping (& $Mapping) -Store $store).Mappings | ForEach-Object ToString | Should -Be $Expected
            $added = Set-AlloyScanServiceAction 2944 -AddMapping (& $Mapping) -Store $store -PassThru
            $added.Mappings[-1].ToString() | Should -Be $Expected
            $added.Mappings.Count | Should -Be 15
        }

        It 'in different forms in one list' {
            $action = New-AlloyScanServiceAction A -Class Computer -Kind Update -Mapping 'name = name', @{ Field = 'cpu'; Constant = 'x' }, (Get-AlloyScanServiceAction 2944 -Store $store).Mappings[3] -Store $store
            $action.Mappings.Field | Should -Be 'name', 'cpu', 'asset_tag'
        }

        It 'never from <What>' -ForEach @(
            @{ What = 'text without equals sign'; Mapping = 'name' }
            @{ What = 'a hashtable with an unknown key'; Mapping = @{ Feld = 'name' } }
            @{ What = 'a hashtable with an unknown mode'; Mapping = @{ Field = 'name'; Attribute = 'name'; Mode = 'Sometimes' } }
            @{ What = 'a number'; Mapping = 42 }
        ) {
            Get-ErrorId { New-AlloyScanServiceAction A -Class Computer -Kind Update -Mapping $Mapping -Store $store } | Should -Be 'InvalidMapping'
        }
    }

    Context 'New-, Set-, Remove- and Reset-AlloyScanServiceAction' {
        It 'makes one with all its parts' {
            $action = New-AlloyScanServiceAction 'New printers' -Class Hardware -Kind Create -Mapping 'name = name', 'type = "Printer"' -InitialValue @{ status = 'In Stock' } -Store $store
            $action.Id | Should -Be 10001
            $action.InitialValues['status'] | Should -Be 'In Stock'
            $action.Mappings.Count | Should -Be 2
            $action.IsDefault | Should -BeFalse
        }

        It 'copies one from the pipeline' {
            $copy = Get-AlloyScanServiceAction 2943 -Store $store | New-AlloyScanServiceAction Copy
            $copy.Id | Should -Be 10001
            "$($copy.Class) $($copy.Kind)" | Should -Be 'Computer Create'
            $copy.InitialValues['status'] | Should -Be 'Auto-Added'
            $copy.Mappings.Count | Should -Be 15
        }

        It 'changes single mappings, all, initial values and the name' {
            Set-AlloyScanServiceAction 2944 -AddMapping 'NAME = hostName' -RemoveMapping cpu, Model -Store $store | Should -BeNullOrEmpty
            $now = Get-AlloyScanServiceAction 2944 -Store $store
            $now.Mappings.Field | Should -Not -Contain 'cpu'
            ($now.Mappings | Where-Object Field -EQ name).Attribute | Should -Be 'hostName'
            $now.IsEdited | Should -BeTrue
            (Set-AlloyScanServiceAction 2944 -Mapping @() -NewName Nothing -Store $store -PassThru).Mappings | Should -BeNullOrEmpty
            (Get-AlloyScanServiceAction -Kind Create -Store $store | Set-AlloyScanServiceAction -InitialValue @{ status = 'In Use' } -PassThru).InitialValues.status | Should -Be 'In Use', 'In Use'
            (Set-AlloyScanServiceAction 2943 -InitialValue @{} -Store $store -PassThru).InitialValues.Count | Should -Be 0
        }

        It 'names the mapping at fault' {
            $record = Get-ErrorOf { Set-AlloyScanServiceAction 2944 -AddMapping 'name = name', 'color = name' -Store $store }
            $record.FullyQualifiedErrorId | Should -BeLike 'UnknownField,*'
            "$record" | Should -BeLike '*color = name*'
            $record.ErrorDetails.RecommendedAction | Should -BeLike '*serial_number*'
            Get-ErrorId { Set-AlloyScanServiceAction 2944 -AddMapping 'status = "x"' -Store $store } | Should -Be 'StatusInUpdate'
            Get-ErrorId { Set-AlloyScanServiceAction 2944 -RemoveMapping color -Store $store } | Should -Be 'MappingNotFound'
            Get-ErrorId { Set-AlloyScanServiceAction 2944 -Store $store } | Should -Be 'NothingToSet'
            Get-ErrorId { New-AlloyScanServiceAction 'update computer (alloyscan connector)' -Class Computer -Kind Update -Store $store } | Should -Be 'ServiceActionExists'
            (Get-AlloyScanServiceAction 2944 -Store $store).IsEdited | Should -BeFalse
        }

        It 'removes own ones that no job uses' {
            $null = 'A', 'B' | ForEach-Object { New-AlloyScanServiceAction $_ -Class Computer -Kind Update -Mapping 'name = name' -Store $store }
            $null = New-AlloyScanSyncJob HQ -ExistingComputerAction 10001 -Store $store
            Remove-AlloyScanServiceAction 10001, 2943, 10002 -Store $store -ErrorVariable problem -ErrorAction SilentlyContinue
            $problem.FullyQualifiedErrorId | Should -Be 'ServiceActionInUse,AlloyScan.PowerShell.Commands.RemoveAlloyScanServiceActionCommand', 'ServiceActionIsDefault,AlloyScan.PowerShell.Commands.RemoveAlloyScanServiceActionCommand'
            "$($problem[0])" | Should -BeLike "*'HQ'*"
            (Get-AlloyScanServiceAction -Store $store).Id | Should -Be 2943, 2944, 2945, 2946, 10001
            Set-AlloyScanSyncJob HQ -ExistingComputerAction 2944 -Store $store
            Get-AlloyScanServiceAction -Name A -Store $store | Remove-AlloyScanServiceAction
            (Get-AlloyScanServiceAction -Store $store).Count | Should -Be 4
        }

        It 'resets the defaults' {
            Set-AlloyScanServiceAction 2943, 2944 -RemoveMapping model -Store $store
            $back = Get-AlloyScanServiceAction -Store $store | Where-Object IsEdited | Reset-AlloyScanServiceAction -PassThru
            $back.Id | Should -Be 2943, 2944
            $back.IsEdited | Should -Be $false, $false
            Get-ErrorId { Reset-AlloyScanServiceAction 10001 -Store $store } | Should -Be 'ServiceActionNotDefault'
        }

        It 'changes nothing with -WhatIf' {
            New-AlloyScanServiceAction A -Class Computer -Kind Update -Store $store -WhatIf | Should -BeNullOrEmpty
            Set-AlloyScanServiceAction 2944 -Mapping 'name = name' -Store $store -WhatIf
            (Get-AlloyScanServiceAction -Store $store).IsEdited | Should -Not -Contain $true
            Set-AlloyScanServiceAction 2944 -Mapping 'name = name' -Store $store
            Reset-AlloyScanServiceAction 2944 -Store $store -WhatIf
            (Get-AlloyScanServiceAction 2944 -Store $store).IsEdited | Should -BeTrue
            $null = New-AlloyScanServiceAction A -Class Computer -Kind Update -Store $store
            Get-AlloyScanServiceAction 10001 -Store $store | Remove-AlloyScanServiceAction -WhatIf
            (Get-AlloyScanServiceAction 10001 -Store $store).Name | Should -Be 'A'
        }

        It 'completes numbers, fields, attributes and modes' {
            Get-Completion 'Get-AlloyScanServiceAction -Id 29' | Should -Be '2943', '2944', '2945', '2946'
            Get-Completion 'Set-AlloyScanSyncJob HQ -NewHardwareAction 2945' | Should -Be '2945'
            Get-Completion 'Set-AlloyScanServiceAction 2944 -RemoveMapping asset' | Should -Be 'asset_tag'
            Get-Completion 'Set-AlloyScanServiceAction 2944 -AddMapping asset' | Should -Be "'asset_tag = '"
            Get-Completion "Set-AlloyScanServiceAction 2944 -AddMapping 'asset_tag = serial" | Should -Be "'asset_tag = serialNumber'"
            Get-Completion "Set-AlloyScanServiceAction 2944 -AddMapping 'asset_tag = serialNumber un" | Should -Be "'asset_tag = serialNumber UnlessEdited'"
            Get-Completion "Set-AlloyScanServiceAction 2944 -AddMapping 'asset_tag = {name}.{dnsD" | Should -Be "'asset_tag = {name}.{dnsDomain}'"
        }
    }
}

Describe 'Custom fields' {
    BeforeEach {
        $store = Join-Path $TestDrive "$([guid]::NewGuid()).db"
    }

    It 'are defined directly, from the pipeline and for both classes' {
        $field = New-AlloyCmdbField cost_center Computer Number -Store $store
        "$($field.Class) $($field.Name) $($field.Type) $($field.IsCustom)" | Should -Be 'Computer cost_center Number True'
        ('room', 'floor' | New-AlloyCmdbField -Class Computer, Hardware -Store $store).Count | Should -Be 4
        ([pscustomobject]@{ Name = 'bought'; Class = 'Hardware'; Type = 'Date' } | New-AlloyCmdbField -Store $store).Type | Should -Be 'Date'
        (Get-AlloyCmdbField -Custom -Class Computer -Store $store).Name | Should -Be 'cost_center', 'floor', 'room'
        (Get-AlloyCmdbField r* -Custom -Store $store).Class | Should -Be 'Computer', 'Hardware'
        (Get-AlloyCmdbField name -Store $store).Count | Should -Be 2
        ('name', 'room' | Get-AlloyCmdbField -Class Computer -Store $store).IsCustom | Should -Be $false, $true
        New-AlloyCmdbField other Computer -Store $store -WhatIf | Should -BeNullOrEmpty
        Get-ErrorId { Get-AlloyCmdbField other -Store $store } | Should -Be 'FieldNotFound'
        Get-ErrorId { New-AlloyCmdbField ROOM Computer -Store $store } | Should -Be 'FieldExists'
        Get-ErrorId { New-AlloyCmdbField 'cost center' Computer -Store $store } | Should -Be 'InvalidFieldName'
    }

    It 'are mapped from audit fields, edited by hand, kept, and shown' {
        $null = New-AlloyScanSyncJob HQ -Store $store
        $null = Invoke-AlloyScanSync HQ -Store $store
        $null = New-AlloyCmdbField cost_center Computer -Store $store
        $null = New-AlloyCmdbField warranty_end Computer Date -Store $store
        $null = New-AlloyCmdbField leased Computer Boolean -Store $store
        Set-AlloyScanServiceAction 2943, 2944 -AddMapping 'cost_center = custom.CostCenter', 'warranty_end = custom.warrantyend' -Store $store
        $run = Invoke-AlloyScanSync HQ -Store $store
        $run.Updated | Should -BeGreaterThan 0
        $run.ApiCalls | Should -BeLessOrEqual 2 -Because 'the audit fields were kept'
        $computer = Get-AlloyCmdbComputer -Store $store | Where-Object { $_.Custom.cost_center } | Select-Object -First 1
        $audit = ($computer | Get-AlloyScanSnapshot).Custom
        $computer.Custom.cost_center | Should -Be $audit['costCenter']

        $edited = $computer | Set-AlloyCmdbComputer -Custom @{ Cost_Center = 4711; leased = $true; warranty_end = [datetime]'2030-12-24' } -PassThru
        $edited.Custom.cost_center | Should -Be '4711'
        $edited.Custom.leased | Should -BeTrue
        $edited.Custom.warranty_end | Should -Be '2030-12-24'
        (Invoke-AlloyScanSync HQ -Store $store).Updated | Should -Be 0
        (Get-AlloyCmdbComputer -Id $computer.Id -Store $store).Custom.cost_center | Should -Be '4711'
        ($edited | Set-AlloyCmdbComputer -Custom @{ cost_center = ''; leased = $null } -PassThru).Custom.Keys | Should -Be 'warranty_end'
        ($edited | Set-AlloyCmdbComputer -Custom $edited.Custom -PassThru).Custom.leased | Should -BeTrue
        (Get-AlloyScanSyncChange -Run 2 -Store $store).Field | Sort-Object -Unique | Should -Be 'cost_center', 'warranty_end'
    }

    It 'refuses what they cannot hold' {
        $null = New-AlloyScanSyncJob HQ -Store $store
        $null = Invoke-AlloyScanSync HQ -Store $store
        $null = New-AlloyCmdbField floor Hardware Number -Store $store
        Get-ErrorId { Set-AlloyCmdbHardware H000001 -Custom @{ floor = 'top' } -Store $store } | Should -Be 'InvalidFieldValue'
        Get-ErrorId { Set-AlloyCmdbHardware H000001 -Custom @{ room = '1' } -Store $store } | Should -Be 'UnknownField'
        Get-ErrorId { Set-AlloyCmdbHardware H000001 -Name x -Custom @{ name = 'y' } -Store $store } | Should -Be 'InvalidFieldTable'
        Get-ErrorId { Set-AlloyCmdbHardware H000001 -Custom @{} -Store $store } | Should -Be 'NothingToSet'
        (Set-AlloyCmdbHardware H000001 -Custom @{ floor = 2.5 } -Store $store -PassThru).Custom.floor | Should -Be 2.5
        Set-AlloyCmdbHardware H000001 -Custom @{ floor = 3 } -Store $store -WhatIf
        (Get-AlloyCmdbHardware H000001 -Store $store).Custom.floor | Should -Be 2.5
    }

    It 'are removed with their values, after a question' {
        $null = New-AlloyScanSyncJob HQ -Store $store
        $null = Invoke-AlloyScanSync HQ -Store $store
        $null = New-AlloyCmdbField room Computer, Hardware -Store $store
        Set-AlloyScanServiceAction 2944 -AddMapping 'room = hostName' -Store $store
        Get-ErrorId { Remove-AlloyCmdbField room Computer -Force -Store $store } | Should -Be 'FieldInUse'
        Set-AlloyScanServiceAction 2944 -RemoveMapping room -Store $store
        Set-AlloyCmdbComputer C000001, C000002 -Custom @{ room = '1' } -Store $store
        $said = Invoke-Pwsh "Import-Module `$module; Remove-AlloyCmdbField room Computer -Store '$store' -Force -WhatIf; Remove-AlloyCmdbField room Computer -Store '$store'"
        $said[0] | Should -BeLike '*2 values*'
        "$($said | Select-Object -Skip 1)" | Should -Not -BeNullOrEmpty -Because 'a session that cannot ask must not remove'
        (Get-AlloyCmdbField room -Store $store).Count | Should -Be 2
        Remove-AlloyCmdbField room Computer -Force -Store $store
        (Get-AlloyCmdbComputer C000001 -Store $store).Custom.Count | Should -Be 0
        Get-AlloyCmdbField room -Store $store | Remove-AlloyCmdbField -Confirm:$false
        Get-AlloyCmdbField -Custom -Store $store | Should -BeNullOrEmpty
        Get-ErrorId { Remove-AlloyCmdbField name Computer -Force -Store $store } | Should -Be 'FieldIsBuiltIn'
    }
}

Describe 'about_AlloyScan_Mapping' {
    It 'is found by Get-Help and names every attribute' {
        $text = Get-Help about_AlloyScan_Mapping | Out-String
        $text | Should -BeLike '*UnlessEdited*'
        foreach ($mapping in Get-AlloyScanServiceAction -ExpandMapping -Store (Join-Path $TestDrive about.db)) {
            $text | Should -BeLike "*$($mapping.Attribute)*"
        }
    }
}
